/** Gets the ncrypt.dll that stands in for Wine's own, in which persisted keys are stubs. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { root, run } from '../run.mjs';
import { installPackages } from './debian.mjs';

const COMPILER = 'x86_64-w64-mingw32-gcc';
const DEBIAN_PACKAGES = ['gcc-mingw-w64-x86-64-win32'];

/**
 * Builds it from today's sources; as root on a Debian the compiler is installed when it is missing.
 *
 * @param {string} folder - Where it is put; exists.
 * @returns {Promise<string>} Path of ncrypt.dll.
 */
export async function provideNcryptDouble(folder) {
  const { status } = await run(COMPILER, ['--version'], { quiet: true });
  if (status !== 0 && process.getuid?.() !== 0) throw new Error(`${COMPILER} is not installed`);
  if (status !== 0) await installPackages(DEBIAN_PACKAGES);
  const script = path.join(root, 'test', 'native', 'ncrypt-double', 'build.mjs');
  const { buildNcryptDouble } = await import(pathToFileURL(script).href);
  const dll = await buildNcryptDouble(folder);
  if (!existsSync(dll)) throw new Error(`${script} made no ${dll}`);
  return dll;
}
