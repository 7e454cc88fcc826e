/**
 * Where Wine, Windows' node and the projects that run in it lie: one folder outside the checkout, kept from run to run.
 *
 * `trixie` is a whole Debian. It sees of this folder only `work`, at the same path: what is removed in `work` can
 * never be something that a mount brought there.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';

/** KEYCASK_WINE_DIR, or a folder among the temporary ones. */
const wineFolder = path.resolve(
  process.env['KEYCASK_WINE_DIR'] ?? path.join(tmpdir(), 'keycask-wine'),
);

/** The Debian that Wine 10 comes from where none is installed. */
export const debianFolder = path.join(wineFolder, 'trixie');

/** What programs in Wine use: node, packages, projects, prefixes. */
export const workFolder = path.join(wineFolder, 'work');

/** Makes the folder, and refuses one that somebody else made under its well-known name: root would run what is in it. */
export function claimWineFolder() {
  mkdirSync(wineFolder, { recursive: true });
  if (lstatSync(wineFolder).uid !== process.getuid?.()) {
    throw new Error(`${wineFolder} is another user's; choose a folder: KEYCASK_WINE_DIR`);
  }
  mkdirSync(workFolder, { recursive: true });
}

/**
 * Makes a folder aside and puts it in its place when it is complete, so that a broken run leaves nothing that
 * looks ready. Of two that make it at once, the second throws its own away.
 *
 * @param {string} target - Where it will be; nothing is done when it is there.
 * @param {(aside: string) => Promise<void>} make - Fills an empty folder.
 */
export async function makeOnce(target, make) {
  if (existsSync(target)) return;
  mkdirSync(path.dirname(target), { recursive: true });
  const aside = mkdtempSync(`${target}.`);
  chmodSync(aside, 0o755);
  try {
    await make(aside);
    if (!existsSync(target)) renameSync(aside, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/**
 * A path as programs in Wine write it: drive Z: is the root folder.
 *
 * @param {string} file - An absolute path.
 * @returns {string} For example `Z:\var\tmp\file`.
 */
export function windowsPath(file) {
  return `Z:${file.replaceAll('/', '\\')}`;
}
