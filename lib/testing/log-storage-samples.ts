/** What the suite of a log's storage appends, and how it looks whether all of it is there. */
import assert from 'node:assert/strict';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import {
  TILE_HEIGHT,
  TILE_LEVELS,
  TILE_WIDTH,
  type LogAppend,
  type LogHead,
  type LogStorage,
} from '../signed-log/index.ts';

/** Bytes of a hash. */
export const HASH = 32;

/** Leaves differ in length and say which they are. */
export function leafOf(index: number): Uint8Array {
  return new TextEncoder().encode(`leaf ${index}`.padEnd(index % 61, '.'));
}

/** Not the hashes of a tree: a storage does not look at them. */
export function hashOf(level: number, index: number): Uint8Array {
  const hash = new Uint8Array(HASH).fill(level + 1);
  new DataView(hash.buffer).setFloat64(0, index);
  return hash;
}

export function appendOf(after: LogHead | undefined, count: number, kind = ''): LogAppend {
  const size = after?.size ?? 0;
  const nodes = Array.from({ length: TILE_LEVELS }, (_, level) => {
    const [first, end] = [countAt(size, level), countAt(size + count, level)];
    const hashes = Array.from({ length: Math.max(0, end - first) }, (_hash, i) =>
      hashOf(level, first + i),
    );
    return new Uint8Array(Buffer.concat(hashes));
  });
  const leaves = Array.from({ length: count }, (_, i) =>
    kind === '' ? leafOf(size + i) : new TextEncoder().encode(`${kind} of ${size + i}`),
  );
  const unique = `${size + count} ${kind} ${Math.random()}`;
  return { after, leaves, nodes, checkpoint: new TextEncoder().encode(unique) };
}

export async function grow(
  storage: LogStorage,
  after: LogHead | undefined,
  count: number,
): Promise<LogHead> {
  return append(storage, appendOf(after, count));
}

export async function append(storage: LogStorage, one: LogAppend): Promise<LogHead> {
  await storage.append(one);
  return { size: (one.after?.size ?? 0) + one.leaves.length, checkpoint: one.checkpoint };
}

function countAt(size: number, level: number): number {
  return Math.floor(size / 2 ** (TILE_HEIGHT * level));
}

export async function isHead(storage: LogStorage, want: LogHead): Promise<void> {
  const head = await storage.head();
  assert.equal(head?.size, want.size);
  assert.ok(
    isSame([head.checkpoint], [want.checkpoint]),
    'the checkpoint is the one of the append',
  );
}

/** Every leaf and every hash of a log that was grown by {@link grow} alone. */
export async function isIntact(storage: LogStorage, { size }: LogHead): Promise<void> {
  for (let at = 0; at < size;) {
    const page = await storage.readLeaves(at, Math.min(256, size - at));
    assert.ok(page.length > 0, `there is a leaf ${at}`);
    assert.ok(
      isSame(
        page,
        page.map((_, i) => leafOf(at + i)),
      ),
      `leaves from ${at} on`,
    );
    at += page.length;
  }
  for (let level = 0; level < TILE_LEVELS; level++) {
    const count = countAt(size, level);
    for (let tile = 0; tile * TILE_WIDTH <= count; tile++) {
      const first = tile * TILE_WIDTH;
      const width = Math.min(TILE_WIDTH, count - first);
      const want = Array.from({ length: width }, (_, i) => hashOf(level, first + i));
      const got = await storage.readTile(level, tile);
      assert.ok(isSame([got], [Buffer.concat(want)]), `tile ${tile} of level ${level}`);
    }
  }
}

export function isSame(got: readonly Uint8Array[], want: readonly Uint8Array[]): boolean {
  return got.length === want.length && got.every((bytes, i) => Buffer.from(bytes).equals(want[i]!));
}

export async function fails(code: KeyStoreErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => hasCode(code, error));
}

export function hasCode(code: KeyStoreErrorCode, error: unknown): true {
  if (!KeyStoreError.is(error)) throw error;
  assert.equal(error.code, code);
  return true;
}
