/** Children that tests start and may kill: a TypeScript file of the tests, bundled so that it starts in a tenth of a second. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ChildBundle {
  /** What {@link Child.start} starts. */
  readonly path: string;
  readonly remove: () => void;
}

/** Bundles a file of test/ and everything of lib/ that it uses. */
export async function bundleChild(file: string): Promise<ChildBundle> {
  // Inside the checkout, since the bundle still imports the library's dependencies by name.
  const cache = path.join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(path.join(cache, 'keycask-child-'));
  await build({
    config: false,
    entry: { child: path.join(ROOT, 'test', file) },
    outDir,
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    splitting: false,
    silent: true,
    // Its binary is found from its own folder only.
    external: ['koffi'],
    // The bundle lies in a folder without a package.json that says "module".
    outExtension: () => ({ js: '.mjs' }),
  });
  return {
    path: path.join(outDir, 'child.mjs'),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  };
}

/**
 * A copy outside of the project, where Node finds none of its packages. A koffi that does not load lies beside it: nobody knows what lies in
 * the folders above, and that one is found first.
 */
export function copyWithoutKoffi({ path: original }: ChildBundle): ChildBundle {
  const folder = mkdtempSync(path.join(tmpdir(), 'keycask-without-koffi-'));
  const koffi = path.join(folder, 'node_modules', 'koffi');
  mkdirSync(koffi, { recursive: true });
  writeFileSync(path.join(koffi, 'package.json'), '{ "exports": {} }');
  const copy = path.join(folder, 'child.mjs');
  copyFileSync(original, copy);
  return { path: copy, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A running child that tells things, one JSON value a line, by `tell` (proofs/children/tell.ts). */
export class Child {
  /** What it told and nobody has taken yet, and then everything that it will tell. */
  readonly #lines: AsyncIterator<string>;
  readonly #process: ChildProcess;
  readonly ended: Promise<ChildEnd>;

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    let stderr = '';
    // What is said to one that has ended is lost.
    child.stdin!.on('error', () => undefined);
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    this.ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }));
  }

  static start(bundle: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    return Child.run([process.execPath, bundle, ...args], env);
  }

  /** Any program: one that starts node as somebody else, or with arguments of node's. It is sent lines by `say`. */
  static run([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    return new Child(
      spawn(program, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'], ...env },
      }),
    );
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** The next thing that it tells; fails with what it said on stderr where it ends before. */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return JSON.parse(value) as T;
    const { code, signal, stderr } = await this.ended;
    throw new Error(`a child ended too early (${code ?? signal}): ${stderr}`);
  }

  /** Everything else that it tells until it ends. */
  async rest<T>(): Promise<T[]> {
    const told: T[] = [];
    for (let line = await this.#lines.next(); line.done !== true; line = await this.#lines.next())
      told.push(JSON.parse(line.value) as T);
    return told;
  }

  /** A line for its standard input. */
  say(line: string): void {
    this.#process.stdin!.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#process.kill(signal);
  }
}
