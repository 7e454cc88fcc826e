/** Homes that share an archive, for tests: signers, trust lists that are numbers, and what each home has seen. */
import { randomBytes } from 'node:crypto';
import { toHex } from '../../lib/bytes/octets.ts';
import type { SigningIdentity } from '../../lib/messages/sign-message.ts';
import type { CheckpointMemory } from '../../lib/signed-log/checkpoint-memory.ts';
import type { LogAppend } from '../../lib/signed-log/log-storage.ts';
import type { Archive } from '../../lib/stores/archive.ts';
import { openMemoryArchive } from '../../lib/stores/memory.ts';
import {
  acceptLoggedRecords,
  openLoggedRecords,
  type LoggedRecords,
  type LoggedRecordsOptions,
  type LoggedTrustAnchor,
} from '../../lib/stores/logged/logged-records.ts';
import { clock, recordBytes, sha256, STORE_ID } from './manifest.ts';
import { testIdentity } from './signing-identity.ts';

export { clock, randomId, recordBytes, STORE_ID } from './manifest.ts';

/** What was seen, in memory: a double of the folder seen/. */
export class SeenInMemory implements CheckpointMemory {
  readonly kept = new Map<number, Uint8Array>();

  async newest(): Promise<Uint8Array | undefined> {
    return this.kept.get(Math.max(...this.kept.keys()));
  }

  async remember(size: number, checkpoint: Uint8Array): Promise<boolean> {
    if (this.kept.has(size)) return false;
    this.kept.set(size, checkpoint);
    return true;
  }

  async forget(): Promise<void> {
    this.kept.clear();
  }
}

/** A home without a folder: its trust lists are known by the hashes that it entered. */
export class TestHome {
  readonly homeId: Uint8Array = new Uint8Array(randomBytes(16));
  seen = new SeenInMemory();
  identity: SigningIdentity;
  /** Of the newest list, whether it was entered or not. */
  anchor: LoggedTrustAnchor;
  readonly #lists = new Map<string, LoggedTrustAnchor>();
  #version = 0;

  constructor(identity: SigningIdentity, pinned: readonly SigningIdentity[] = []) {
    this.identity = identity;
    this.anchor = { current: identity, retired: [], pinned };
  }

  static async make(pinned: readonly SigningIdentity[] = []): Promise<TestHome> {
    return new TestHome(await testIdentity(), pinned);
  }

  options(archive: Archive): LoggedRecordsOptions {
    return {
      archive,
      storeId: STORE_ID,
      homeId: this.homeId,
      seen: this.seen,
      findTrust: async (trust) => {
        const anchor = trust && this.#lists.get(toHex(trust.sha256));
        if (trust && !anchor) throw new Error('this home never made such a list');
        return anchor ?? this.anchor;
      },
    };
  }

  /** As a process of its own would. */
  open(archive: Archive, extras: Partial<LoggedRecordsOptions> = {}): Promise<LoggedRecords> {
    return openLoggedRecords({ ...this.options(keptOpen(archive)), ...extras });
  }

  accept(archive: Archive): ReturnType<typeof acceptLoggedRecords> {
    return acceptLoggedRecords(this.options(keptOpen(archive)));
  }

  /** Changes the list, and enters it with the key that was in force before. */
  async enter(records: LoggedRecords, change: Partial<LoggedTrustAnchor> = {}): Promise<void> {
    const before = this.identity;
    this.#version++;
    this.anchor = { ...this.anchor, trustedHead: records.head, ...change };
    const digest = sha256(new TextEncoder().encode(`${toHex(this.homeId)} ${this.#version}`));
    this.#lists.set(toHex(digest), this.anchor);
    await records.enterTrust(this.#version, digest, before, clock);
  }

  /** Gives the home another signature key. */
  async rotate(records: LoggedRecords): Promise<void> {
    const next = await testIdentity();
    const retired = [...this.anchor.retired, this.identity];
    await this.enter(records, { current: next, retired });
    this.identity = next;
  }

  put(records: LoggedRecords, id: string, version = 1, label = 'label'): Promise<void> {
    const bytes = recordBytes(id, version);
    return records.put({ id, version, label, bytes }, this.identity, clock);
  }

  putAll(records: LoggedRecords, ids: readonly string[], label = 'label'): Promise<boolean[]> {
    const made = ids.map((id) => ({ id, label, bytes: recordBytes(id, 1) }));
    return records.putAll(made, this.identity, clock);
  }

  delete(records: LoggedRecords, id: string, version: number): Promise<void> {
    return records.delete(id, version, this.identity, clock);
  }
}

/** The same archive, which closing does not close: as if each had a connection of its own. */
export function keptOpen(archive: Archive, changes: Partial<Archive> = {}): Archive {
  const close = async (): Promise<void> => undefined;
  const log = { ...forwarded(archive.log), close, [Symbol.asyncDispose]: close };
  return {
    name: archive.name,
    store: archive.store,
    log,
    readNodes: (hashes) => archive.readNodes(hashes),
    listNodes: () => archive.listNodes(),
    removeNodes: (hashes, head) => archive.removeNodes(hashes, head),
    close,
    [Symbol.asyncDispose]: close,
    ...changes,
  };
}

function forwarded(log: Archive['log']): Omit<Archive['log'], 'close'> {
  return {
    name: log.name,
    head: () => log.head(),
    append: (append) => log.append(append),
    readLeaves: (first, count) => log.readLeaves(first, count),
    readTile: (level, index) => log.readTile(level, index),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** An archive of which older states can be had again, as from a backup. */
export class BackedUpArchive {
  readonly #appends: LogAppend[] = [];
  readonly archive: Archive;

  constructor(archive: Archive = openMemoryArchive()) {
    const { log } = archive;
    this.archive = keptOpen(archive, {
      log: {
        ...forwarded(log),
        append: async (append) => {
          await log.append(append);
          this.#appends.push(append);
        },
        close: async () => undefined,
      },
    });
  }

  get size(): number {
    return this.#appends.length;
  }

  /** As it was after so many appends; in a place of its own. */
  async at(appends: number): Promise<BackedUpArchive> {
    const copy = new BackedUpArchive();
    for (const append of this.#appends.slice(0, appends)) await copy.archive.log.append(append);
    return copy;
  }
}
