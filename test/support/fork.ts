/** Other processes that tests start: a TypeScript file of the tests, bundled once, so that a child starts in milliseconds. */
import { fork, type ChildProcess, type ForkOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

/** The first message of a child says that it is ready to be told to go. */
const READY = 'ready';
const GO = 'go';
/** Inside node_modules, so that a bundle finds the packages that it imports. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
const PREFIX = 'keycask-fork-';
/** Longer than a run of all tests takes: what is in use is not swept. */
const STALE_MS = 2 * 60 * 60 * 1000;
const bundles = new Map<string, Promise<string>>();

/** Starts `file` (relative to test/) and waits until it has called {@link started}. */
export async function forkTest(
  file: string,
  args: readonly string[],
  options: ForkOptions = {},
): Promise<ChildProcess> {
  const path = bundles.get(file) ?? bundled(file);
  bundles.set(file, path);
  const child = fork(await path, args, { ...options, execArgv: [] });
  const ready = once(child, 'message');
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${String(code)} before it was ready`);
  });
  await Promise.race([ready, ended]);
  ended.catch(() => undefined);
  return child;
}

/** Lets one child begin. */
export function go(child: ChildProcess): void {
  child.send(GO);
}

async function bundled(file: string): Promise<string> {
  mkdirSync(CACHE, { recursive: true });
  sweepBundles();
  const path = join(mkdtempSync(join(CACHE, PREFIX)), `${basename(file, '.ts')}.mjs`);
  await bundle(fileURLToPath(new URL(`../${file}`, import.meta.url)), path);
  return path;
}

/** A test worker is ended without ceremony, so what earlier ones left is removed. */
function sweepBundles(): void {
  for (const name of readdirSync(CACHE)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(CACHE, name);
    // Another worker may be sweeping.
    const madeAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (madeAt === undefined || Date.now() - madeAt < STALE_MS) continue;
    rmSync(path, { recursive: true, force: true });
  }
}

/** Lets all children begin at once and waits for the last thing that each says. */
export async function race<T>(children: readonly ChildProcess[]): Promise<T[]> {
  const results = children.map(async (child) => {
    const exit = once(child, 'exit');
    // What a child said may arrive after its end; nothing arrives after the channel is closed.
    const closed = once(child, 'disconnect');
    let last: T | undefined;
    child.on('message', (message) => {
      last = message as T;
    });
    go(child);
    const [code] = (await exit) as [number | null];
    await closed;
    if (code !== 0) throw new Error(`a child ended with ${String(code)}`);
    return last as T;
  });
  return Promise.all(results);
}

/** In a child: says that everything is loaded, and waits to be told to go. */
export async function started(): Promise<void> {
  const go = once(process, 'message');
  process.send?.(READY);
  await go;
}

/** In a child: says its result and ends. */
export function done(result: unknown): void {
  process.send?.(result, () => process.disconnect());
}
