/**
 * Builds the test double of ncrypt.dll with mingw-w64: `node test/native/ncrypt-double/build.mjs [FOLDER]`.
 *
 * Prints the DLL's path. Wine takes it instead of its own where it lies beside node.exe and WINEDLLOVERRIDES has
 * `ncrypt=n`: in a folder of WINEPATH it is not found, since the system's folder comes first.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { root, run } from '../../../scripts/run.mjs';

const COMPILER = 'x86_64-w64-mingw32-gcc';
const SOURCES = fileURLToPath(new URL('.', import.meta.url));
/** The only header: what every source includes. */
const HEADER = 'double.h';
const IS_SOURCE = /\.(?:c|h|def)$/u;
/** Windows 10's headers; warnings are errors, since a wrong structure would pass as a bug of the library. */
const FLAGS = [
  '-std=c17',
  '-O2',
  '-DUNICODE',
  '-D_WIN32_WINNT=0x0A00',
  '-DNTDDI_VERSION=0x0A000000',
  '-Wall',
  '-Wextra',
  '-Werror',
];
const LINK = ['-shared', '-static-libgcc'];
const LIBRARIES = ['-lbcrypt', '-ladvapi32', '-lcrypt32'];

/**
 * Builds the double, unless these very sources were built into that folder before.
 *
 * @param {string} folder - Where it is put, with a file beside it that names the sources' hash.
 * @returns {Promise<string>} The path of ncrypt.dll.
 */
export async function buildNcryptDouble(folder) {
  const sources = readdirSync(SOURCES)
    .filter((name) => IS_SOURCE.test(name))
    .toSorted();
  const hash = hashOf(sources);
  const dll = path.join(path.resolve(folder), 'ncrypt.dll');
  const stamp = `${dll}.sha256`;
  if (existsSync(dll) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return dll;

  mkdirSync(folder, { recursive: true });
  // Aside and renamed: several test runs may build at once, and others may have the old one loaded.
  const aside = mkdtempSync(`${dll}.`);
  try {
    // Windows' headers are most of what the compiler reads: once, and not for each file.
    const header = path.join(aside, HEADER);
    const inputs = sources
      .filter((name) => name !== HEADER)
      .map((name) => path.join(SOURCES, name));
    await compile(['-x', 'c-header', path.join(SOURCES, HEADER), '-o', `${header}.gch`]);
    const built = path.join(aside, 'ncrypt.dll');
    await compile(['-include', header, ...LINK, '-o', built, ...inputs, ...LIBRARIES]);
    renameSync(built, dll);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  writeFileSync(stamp, hash);
  return dll;
}

/** @param {readonly string[]} args - For the compiler, beside {@link FLAGS}. */
async function compile(args) {
  const { status, output } = await run(COMPILER, [...FLAGS, ...args], { quiet: true });
  if (status === 0) return;
  throw new Error(
    /ENOENT/u.test(output)
      ? `${COMPILER} is not installed; on Debian: apt-get install gcc-mingw-w64-x86-64`
      : `the double of ncrypt.dll does not build:\n${output}`,
  );
}

/**
 * What the DLL is made of, in one number.
 *
 * @param {readonly string[]} sources - Names of the source files.
 * @returns {string} SHA-256, in hex.
 */
function hashOf(sources) {
  const hash = createHash('sha256').update([...FLAGS, ...LINK, ...LIBRARIES].join(' '));
  for (const name of sources) {
    hash.update(`\n${name}\n`).update(readFileSync(path.join(SOURCES, name)));
  }
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? path.join(root, 'node_modules', '.cache', 'ncrypt-double');
  console.log(await buildNcryptDouble(folder));
}
