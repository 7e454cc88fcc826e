/** Signed logs for tests: an author, storages that count and lie, and a reference tree. */
import { createHash } from 'node:crypto';
import { concatBytes } from '../../lib/bytes/octets.ts';
import { findAmong } from '../../lib/messages/verify-message.ts';
import {
  MemoryLogStorage,
  SignedLog,
  type FollowLogOptions,
  type LogAppend,
  type LogAppended,
  type LogAuthor,
  type LogHead,
  type LogStorage,
} from '../../lib/signed-log/index.ts';
import { testIdentity } from './signing-identity.ts';

export const LOG_ID = new Uint8Array(16).fill(0x4c);
const identity = await testIdentity();
export const AUTHOR: LogAuthor = { identity, clock: () => new Date('2026-03-01T12:00:00Z') };

export interface TestLog {
  readonly log: SignedLog;
  readonly storage: LogStorage;
  readonly append: (...leaves: readonly Uint8Array[]) => Promise<LogAppended>;
}

export function openLog(
  storage: LogStorage,
  options: Partial<FollowLogOptions> = {},
): Promise<SignedLog> {
  const findSigner = findAmong([AUTHOR.identity]);
  return SignedLog.open({ storage, logId: LOG_ID, findSigner, ...options });
}

/** A log with these leaves, in memory where no storage is given. */
export async function logOf(
  leaves: readonly Uint8Array[] = [],
  storage: LogStorage = new MemoryLogStorage(),
): Promise<TestLog> {
  const log = await openLog(storage);
  const append = (...more: readonly Uint8Array[]) => log.append(more, AUTHOR);
  for (let at = 0; at < leaves.length; at += 1024) await append(...leaves.slice(at, at + 1024));
  return { log, storage, append };
}

/** Leaves that say which they are. */
export function someLeaves(count: number, kind = 'leaf'): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new TextEncoder().encode(`${kind} ${i}`));
}

export async function contentsOf(log: SignedLog): Promise<string[]> {
  const texts: string[] = [];
  for await (const { bytes } of log.leaves()) texts.push(new TextDecoder().decode(bytes));
  return texts;
}

/** MTH of RFC 9162 section 2.1.1, as it stands there. */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), leaves[0]!);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** PATH of RFC 9162 section 2.1.3.1, as it stands there. */
export function naivePath(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m < k
    ? [...naivePath(m, left), naiveRoot(right)]
    : [...naivePath(m - k, right), naiveRoot(left)];
}

/** PROOF and SUBPROOF of RFC 9162 section 2.1.4.1, as they stand there. */
export function naiveProof(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  return subproof(m, leaves, true);
}

function subproof(m: number, leaves: readonly Uint8Array[], isWhole: boolean): Uint8Array[] {
  if (m === leaves.length) return isWhole ? [] : [naiveRoot(leaves)];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m <= k
    ? [...subproof(m, left, isWhole), naiveRoot(right)]
    : [...subproof(m - k, right, false), naiveRoot(left)];
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  );
}

/** What a storage was asked for. */
export interface Counted {
  heads: number;
  leafPages: number;
  leaves: number;
  tiles: number;
  appends: number;
  /** Leaves and hashes that were written. */
  written: number;
}

/** A storage that counts, over another one. */
export class CountingStorage implements LogStorage {
  readonly name = 'counting';
  readonly #storage: LogStorage;
  counted: Counted = nothing();

  constructor(storage: LogStorage) {
    this.#storage = storage;
  }

  reset(): void {
    this.counted = nothing();
  }

  head(): Promise<LogHead | undefined> {
    this.counted.heads++;
    return this.#storage.head();
  }

  append(append: LogAppend): Promise<void> {
    this.counted.appends++;
    const bytes = append.nodes.reduce((sum, { length }) => sum + length, 0);
    this.counted.written += append.leaves.length + bytes / 32;
    return this.#storage.append(append);
  }

  async readLeaves(first: number, count: number): Promise<Uint8Array[]> {
    const leaves = await this.#storage.readLeaves(first, count);
    this.counted.leafPages++;
    this.counted.leaves += leaves.length;
    return leaves;
  }

  readTile(level: number, index: number): Promise<Uint8Array> {
    this.counted.tiles++;
    return this.#storage.readTile(level, index);
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function nothing(): Counted {
  return { heads: 0, leafPages: 0, leaves: 0, tiles: 0, appends: 0, written: 0 };
}

/** A storage that answers otherwise in some calls. */
export function lying(storage: LogStorage, lies: Partial<LogStorage>): LogStorage {
  return {
    name: 'lying',
    head: () => storage.head(),
    append: (append) => storage.append(append),
    readLeaves: (first, count) => storage.readLeaves(first, count),
    readTile: (level, index) => storage.readTile(level, index),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
    ...lies,
  };
}

/** The same bytes but for one bit. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[Math.floor(bit / 8)]! ^= 1 << (bit % 8);
  return out;
}
