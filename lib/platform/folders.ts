/** Where keycask keeps things on each platform. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The home of key records and sealed keys: KEYCASK_HOME, else the platform's data folder.
 *
 * Linux `$XDG_DATA_HOME/keycask` (~/.local/share/keycask), macOS `~/Library/Application Support/keycask`, Windows `%LOCALAPPDATA%\keycask`.
 */
export function defaultHome(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.KEYCASK_HOME) return resolve(environment.KEYCASK_HOME);
  return dataFolder(environment, 'XDG_DATA_HOME', ['.local', 'share'], 'keycask');
}

/**
 * Where the machine secret lies: never under the home, so that a copy of a home opens nowhere else.
 *
 * Linux `$XDG_STATE_HOME/keycask` (~/.local/state/keycask), macOS and Windows beside the data folder as `keycask-state`.
 */
export function defaultStateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const name =
    process.platform === 'win32' || process.platform === 'darwin' ? 'keycask-state' : 'keycask';
  return dataFolder(environment, 'XDG_STATE_HOME', ['.local', 'state'], name);
}

/** Where an agent that was not installed keeps its keys and settings: beside the home, as `keycask-agent`. */
export function defaultAgentFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return dataFolder(environment, 'XDG_DATA_HOME', ['.local', 'share'], 'keycask-agent');
}

// oxlint-disable-next-line max-params -- one line for each platform's rule
function dataFolder(
  environment: NodeJS.ProcessEnv,
  xdg: string,
  linux: readonly string[],
  name: string,
): string {
  if (process.platform === 'win32')
    return join(environment.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), name);
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', name);
  const base = environment[xdg];
  // The XDG specification: a relative path is invalid and ignored.
  return join(base?.startsWith('/') ? base : join(homedir(), ...linux), name);
}
