/** The command line, run as users run it: a process of its own, with an environment that leads nowhere but into the test's folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import process from 'node:process';
import type { TemporaryHome } from './temporary-home.ts';

/** How a command ended. */
export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Runs the command as somebody else: `['setpriv', '--reuid=65534', …]`. */
  readonly through?: readonly string[];
  /** Called with the process id as soon as there is one. */
  readonly onStart?: (pid: number) => void;
}

/** Runs `keycask` for one home; never with the environment of whoever runs the tests. */
export async function keycask(
  { home, stateFolder }: TemporaryHome,
  args: readonly string[],
  { input = '', env = {}, cwd, through = [], onStart }: CommandOptions = {},
): Promise<CommandEnd> {
  const [program = '', ...rest] = [
    ...through,
    process.execPath,
    process.env['KEYCASK_CLI']!,
    ...args,
  ];
  const child = spawn(program, rest, {
    cwd: cwd ?? dirname(home),
    env: { ...commandEnvironment({ home, stateFolder }), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command that fails at once reads nothing.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout: Buffer.concat(stdout), stderr };
}

/** What the command line finds a home and its machine secret by. */
function commandEnvironment({ home, stateFolder }: TemporaryHome): NodeJS.ProcessEnv {
  const folder = dirname(home);
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    LOCALAPPDATA: folder,
    KEYCASK_HOME: home,
    XDG_STATE_HOME: dirname(stateFolder),
  };
}

/** The code that a failed command names; `none` where it did not fail, its whole stderr where it failed in another form. */
export function codeIn({ code, stderr }: CommandEnd): string {
  if (code === 0) return 'none';
  const errors = stderr.split('\n').filter((line) => !line.startsWith('keycask: warning: '));
  const [error = '', hint = '', end] = errors;
  const match = /^keycask: error: .* \[([A-Z_]+), [A-Z0-9_]+ 0x[0-9A-F]{8}\]$/u.exec(error);
  const isWhole = match && /^keycask: hint: \S/u.test(hint) && end === '' && errors.length === 3;
  return isWhole ? match[1]! : `another form: ${stderr}`;
}
