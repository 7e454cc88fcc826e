/** The options that the commands for Wine share: which ncrypt.dll, which Node. */
import { PASSES } from './passes.mjs';
import { DEFAULT_NODE, NODE_VERSIONS } from './windows-node.mjs';

/**
 * Takes `--all`, `--node VERSION` and `--pass wine|double` from the front.
 *
 * @param {readonly string[]} args - A command's arguments.
 * @returns {{ passes: readonly string[], versions: readonly string[], rest: string[] }} What they say; `rest` begins with the first that is none of them.
 */
export function takeOptions(args) {
  let passes = PASSES;
  let versions = [DEFAULT_NODE];
  const rest = [...args];
  for (;;) {
    if (rest[0] === '--all') {
      versions = NODE_VERSIONS;
      rest.shift();
    } else if (rest[0] === '--node' && rest[1] !== undefined) {
      versions = [rest[1]];
      rest.splice(0, 2);
    } else if (rest[0] === '--pass' && rest[1] !== undefined) {
      if (!PASSES.includes(rest[1])) throw new Error(`--pass is one of ${PASSES.join(', ')}`);
      passes = [rest[1]];
      rest.splice(0, 2);
    } else {
      return { passes, versions, rest };
    }
  }
}
