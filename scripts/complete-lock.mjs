/**
 * Names every platform's binaries in package-lock.json: `npm run lock`, after `npm install`.
 *
 * Tools such as rollup ship one optional package per platform, pinned by version. npm leaves those that the
 * registry at hand does not carry out of the lock file, and `npm ci` then refuses that file, here and on the
 * platforms concerned. The version is the one that the tool pins; npm checks the rest when it installs them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './run.mjs';

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openbsd', 'openharmony', 'win32'];
const CPUS = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];
const EXACT = /^\d+\.\d+\.\d+$/u;

/**
 * One package in the lock file.
 *
 * @typedef {object} Locked
 * @property {string} [version] - Its version.
 * @property {string[]} [cpu] - Processors it runs on.
 * @property {boolean} [dev] - Whether only development needs it.
 * @property {string[]} [libc] - C libraries it runs on.
 * @property {boolean} [optional] - Whether an install may do without it.
 * @property {string[]} [os] - Systems it runs on.
 * @property {Record<string, string>} [optionalDependencies] - Packages that may be absent.
 */

const file = path.join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
/** @type {Record<string, Locked>} */
const packages = lock.packages;
let added = 0;
for (const [parent, locked] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(locked.optionalDependencies ?? {})) {
    const platform = platformOf(name);
    const places = placesFor(parent, name);
    const known = places.some((place) => packages[place]?.version === version);
    const place = places.find((candidate) => packages[candidate] === undefined);
    if (platform === undefined || known || place === undefined || !EXACT.test(version)) continue;
    // In npm's own order, so that the next `npm install` leaves the file as it is.
    packages[place] = {
      version,
      cpu: [platform.cpu],
      ...(locked.dev === true && { dev: true }),
      ...(platform.libc !== undefined && { libc: [platform.libc] }),
      optional: true,
      os: [platform.os],
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} platform packages added to package-lock.json`);

/**
 * Where Node would look for a package that another one needs, from the top down.
 *
 * @param {string} parent - Place of the package that needs it.
 * @param {string} name - The package that is needed.
 * @returns {string[]} Places in the lock file.
 */
function placesFor(parent, name) {
  const folders = parent.split('/node_modules/');
  const owners = folders.map((_, index) => folders.slice(0, index + 1).join('/node_modules/'));
  return [`node_modules/${name}`, ...owners.map((owner) => `${owner}/node_modules/${name}`)];
}

/**
 * The platform that a binary package is for, read from its name.
 *
 * @param {string} name - For example `@rollup/rollup-linux-x64-musl`.
 * @returns {{ os: string, cpu: string, libc?: string } | undefined} Undefined when it names none.
 */
function platformOf(name) {
  const words = name.split(/[/-]/u);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = CPUS.find((candidate) => words.includes(candidate));
  if (os === undefined || cpu === undefined) return undefined;
  if (words.includes('musl')) return { os, cpu, libc: 'musl' };
  return words.includes('gnu') && os === 'linux' ? { os, cpu, libc: 'glibc' } : { os, cpu };
}
