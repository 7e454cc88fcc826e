/** A folder in which a command-line test runs: a home, a state folder and `keycask` on the path, all its own. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Longer than any command of a test takes, shorter than a test may. */
const PATIENCE_MS = 120_000;

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** 128 + the signal's number where one ended it, as a shell says. */
  readonly exitCode: number;
}

export class Sandbox {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;

  constructor() {
    const cli = process.env['KEYCASK_CLI'];
    if (cli === undefined) throw new Error('KEYCASK_CLI is not set: run by `vitest --project cli`');
    this.folder = mkdtempSync(join(tmpdir(), 'keycask-cli-test-'));
    // Another user must get in, for tests of permissions.
    chmodSync(this.folder, 0o755);
    chmodSync(dirname(cli), 0o755);
    const bin = join(this.folder, '.bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'keycask'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`, {
      mode: 0o755,
    });
    this.environment = {
      PATH: `${bin}${delimiter}${process.env['PATH']}`,
      WORK: this.folder,
      HOME: join(this.folder, 'user'),
      KEYCASK_HOME: join(this.folder, 'home'),
      XDG_DATA_HOME: join(this.folder, 'user', 'data'),
      XDG_STATE_HOME: join(this.folder, 'user', 'state'),
      // Else an agent would listen where every test of this user finds it.
      XDG_RUNTIME_DIR: join(this.folder, 'user', 'run'),
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
    };
    mkdirSync(this.environment['HOME']!);
    mkdirSync(this.environment['XDG_RUNTIME_DIR']!, { mode: 0o700 });
  }

  /** Runs a shell command. It has no terminal, so that nothing can wait for the person who runs the tests. */
  run(command: string, variables: Iterable<readonly [string, string]> = []): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn('/bin/sh', ['-c', command], {
        cwd: this.folder,
        env: { ...Object.fromEntries(variables), ...this.environment },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      // A group of its own: what it started ends with it.
      const patience = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), PATIENCE_MS);
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      child.on('error', reject);
      child.on('close', (code, signal) => {
        clearTimeout(patience);
        resolve({
          stdout: this.#masked(stdout),
          stderr: this.#masked(stderr),
          exitCode: code ?? 128 + constants.signals[signal!],
        });
      });
    });
  }

  remove(): void {
    // An agent in the background is in no group of ours: a script that failed has not stopped it.
    if (existsSync(join(this.folder, 'user', 'run', 'keycask', 'agent.sock')))
      spawnSync('keycask', ['agent', 'stop', '--quiet'], {
        env: this.environment,
        stdio: 'ignore',
        timeout: 20_000,
      });
    for (const mount of this.#mounts()) spawnSync('/bin/sh', ['-c', 'umount -l "$1"', 'sh', mount]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The folder's name is random; scripts write $WORK. */
  #masked(chunks: readonly Buffer[]): string {
    return Buffer.concat(chunks).toString('utf8').replaceAll(this.folder, '$WORK');
  }

  #mounts(): string[] {
    if (process.platform !== 'linux') return [];
    return readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => path.startsWith(`${this.folder}/`));
  }
}
