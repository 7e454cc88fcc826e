/** A person at a terminal: runs a command under a pseudo-terminal (terminal.py), waits for prompts and types answers. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Sandbox } from './sandbox.ts';

export interface Screen {
  /** All that the terminal showed, with plain line ends. */
  readonly screen: string;
  readonly exitCode: number;
}

/** What to wait for, and what to type then. */
export type Answer = readonly [prompt: string, typed: string];

export function atTerminal(
  sandbox: Sandbox,
  command: string,
  answers: readonly Answer[] = [],
): Promise<Screen> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', [join(import.meta.dirname, 'terminal.py')], {
      cwd: sandbox.folder,
      env: { ...sandbox.environment, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', () => {
      const { screen, exitCode } = JSON.parse(Buffer.concat(chunks).toString()) as Screen;
      resolve({ screen: screen.replaceAll('\r\n', '\n'), exitCode });
    });
    child.stdin.end(JSON.stringify({ command: ['/bin/sh', '-c', command], steps: answers }));
  });
}
