/** This program, as a command that starts it again. */
import { realpathSync } from 'node:fs';
import process from 'node:process';

/**
 * Runs anywhere: every path in it is absolute.
 *
 * @param nodeArguments - For node itself; those that this process was given stay, but another secure heap.
 * @param programArguments - For keycask.
 */
export function selfCommand(
  nodeArguments: readonly string[],
  programArguments: readonly string[],
): string[] {
  const own = process.execArgv.filter((argument) => !argument.startsWith('--secure-heap'));
  // What npm put on the PATH is a link to it.
  const program = realpathSync(process.argv[1]!);
  return [process.execPath, ...own.map(anywhere), ...nodeArguments, program, ...programArguments];
}

/** A package that `--import` names is looked for from the current folder. */
function anywhere(argument: string, at: number, all: readonly string[]): string {
  const isImported = all[at - 1] === '--import' && /^[\w@]/u.test(argument);
  return isImported && !argument.includes(':') ? import.meta.resolve(argument) : argument;
}
