/** Following a log: rewound, forked, cut, changed, swapped, each noticed, each by its own code; and a restored backup accepted on purpose. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findAmong } from '../../../lib/messages/verify-message.ts';
import {
  MemoryLogStorage,
  openCheckpointMemory,
  SignedLog,
  type CheckpointMemory,
  type LogStorage,
} from '../../../lib/signed-log/index.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { testIdentity } from '../../support/signing-identity.ts';
import {
  AUTHOR,
  contentsOf,
  flipped,
  LOG_ID,
  logOf,
  lying,
  openLog,
  someLeaves,
} from '../../support/signed-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A storage that can be put back, as a database is restored from a backup. */
class RestorableStorage {
  #now: LogStorage;
  readonly storage: LogStorage;

  constructor(now: LogStorage) {
    this.#now = now;
    this.storage = {
      name: 'restorable',
      head: () => this.#now.head(),
      append: (append) => this.#now.append(append),
      readLeaves: (first, count) => this.#now.readLeaves(first, count),
      readTile: (level, index) => this.#now.readTile(level, index),
      close: () => this.#now.close(),
      [Symbol.asyncDispose]: () => this.#now.close(),
    };
  }

  restore(backup: LogStorage): void {
    this.#now = backup;
  }
}

/** Keeps checkpoints as a file does, in this process. */
function memoryOfOneProcess(): CheckpointMemory {
  const kept = new Map<number, Uint8Array>();
  return {
    newest: async () => kept.get(Math.max(...kept.keys())),
    remember: async (size, bytes) => {
      if (kept.has(size)) return false;
      kept.set(size, bytes);
      return true;
    },
    forget: async () => kept.clear(),
  };
}

/** A storage with these leaves, made apart from every other one. */
async function storageOf(...leaves: readonly Uint8Array[]): Promise<LogStorage> {
  return (await logOf(leaves)).storage;
}

const LEAVES = someLeaves(600);
const OTHERS = someLeaves(600, 'other');
const whole = await storageOf(...LEAVES);
const head = (await whole.head())!;
const empty = new Uint8Array(0);

describe('a process that has a log open', () => {
  it('follows it as it grows', async () => {
    const { storage, append } = await logOf(LEAVES.slice(0, 10));
    const follower = await openLog(storage);
    for (const size of [11, 12, 300, 600]) {
      await append(...LEAVES.slice(follower.size, size));
      await follower.refresh();
      expect(follower.size).toBe(size);
    }
    expect(await contentsOf(follower)).toEqual(LEAVES.map((one) => new TextDecoder().decode(one)));
  });

  it.each([
    ['shorter', LEAVES.slice(0, 299), 'LOG_REWOUND'],
    ['empty', [], 'LOG_REWOUND'],
    ['as long, with another last leaf', [...LEAVES.slice(0, 299), OTHERS[299]!], 'LOG_REWOUND'],
    [
      'longer, with another last leaf before',
      [...LEAVES.slice(0, 299), ...OTHERS.slice(299)],
      'LOG_FORKED',
    ],
    ['longer, with another first leaf', [OTHERS[0]!, ...LEAVES.slice(1)], 'LOG_FORKED'],
  ])('notices that it is %s', async (_what, leaves, code) => {
    const restorable = new RestorableStorage(await storageOf(...LEAVES.slice(0, 300)));
    const follower = await openLog(restorable.storage);
    restorable.restore(await storageOf(...leaves));
    expect(await codeOfAsync(follower.refresh())).toBe(code);
    // Neither does it write to it.
    expect(await codeOfAsync(follower.append([LEAVES[0]!], AUTHOR))).toBe(code);
    // What it has seen, it holds on to.
    expect(follower.size).toBe(300);
    expect(await codeOfAsync(follower.refresh())).toBe(code);
  });

  it('goes on once the right log is back', async () => {
    const restorable = new RestorableStorage(await storageOf(...LEAVES.slice(0, 300)));
    const follower = await openLog(restorable.storage);
    restorable.restore(await storageOf(...OTHERS));
    expect(await codeOfAsync(follower.refresh())).toBe('LOG_FORKED');
    restorable.restore(whole);
    await follower.refresh();
    expect(follower.size).toBe(600);
    expect(await follower.verifyAll()).toBe(600);
  });
});

describe('two homes on one log', () => {
  it('each notice that they have been shown two logs', async () => {
    const shown = [LEAVES, [...LEAVES.slice(0, 400), ...OTHERS.slice(400)]];
    const memory = memoryOfOneProcess();
    const homes = await Promise.all(
      shown.map(async (leaves) => new RestorableStorage(await storageOf(...leaves.slice(0, 500)))),
    );
    const first = await openLog(homes[0]!.storage, { memory });
    await openLog(homes[1]!.storage);
    homes[0]!.restore(await storageOf(...shown[1]!));
    expect(await codeOfAsync(first.refresh())).toBe('LOG_FORKED');
    // A later process of the same home knows what the first one saw.
    expect(await codeOfAsync(openLog(homes[0]!.storage, { memory }))).toBe('LOG_FORKED');
    expect(await codeOfAsync(openLog(homes[1]!.storage, { memory }))).toBe('LOG_REWOUND');
  });

  it('notice it when both write to copies of one log', async () => {
    const copies = await Promise.all([storageOf(...LEAVES), storageOf(...LEAVES)]);
    const [left, right] = await Promise.all(copies.map((copy) => openLog(copy)));
    await left!.append([LEAVES[0]!], AUTHOR);
    await right!.append([OTHERS[0]!, OTHERS[1]!], AUTHOR);
    const memory = memoryOfOneProcess();
    await openLog(copies[0], { memory });
    expect(await codeOfAsync(openLog(copies[1], { memory }))).toBe('LOG_FORKED');
  });
});

describe('a storage that lies', () => {
  it.each([
    [
      'fewer leaves than its checkpoint',
      { head: async () => ({ ...head, size: 599 }) },
      'LOG_TRUNCATED',
    ],
    [
      'more leaves than its checkpoint',
      { head: async () => ({ ...head, size: 601 }) },
      'LOG_DAMAGED',
    ],
    ['no hashes', { readTile: async () => empty }, 'LOG_TRUNCATED'],
    [
      'a hash too few',
      {
        readTile: async (level, index) => (await whole.readTile(level, index)).subarray(32),
      },
      'LOG_TRUNCATED',
    ],
    [
      'another hash',
      {
        readTile: async (level, index) => flipped(await whole.readTile(level, index), 0),
      },
      'LOG_DAMAGED',
    ],
    [
      'a changed checkpoint',
      { head: async () => ({ ...head, checkpoint: flipped(head.checkpoint, 8 * 90) }) },
      'BLOB_SIGNATURE_INVALID',
    ],
  ] satisfies [string, Partial<LogStorage>, string][])(
    'that it has %s is noticed when it is opened',
    async (_what, lies, code) => {
      expect(await codeOfAsync(openLog(lying(whole, lies)))).toBe(code);
    },
  );

  it('of any tile is noticed when it is read', async () => {
    for (const [liedLevel, liedIndex] of [
      [0, 0],
      [0, 1],
    ] as const) {
      for (const bit of [0, 256 * 8 * 32 - 1]) {
        const readTile = async (level: number, index: number) => {
          const tile = await whole.readTile(level, index);
          return level === liedLevel && index === liedIndex ? flipped(tile, bit) : tile;
        };
        const log = await openLog(lying(whole, { readTile }));
        expect(await codeOfAsync(contentsOf(log))).toBe('LOG_DAMAGED');
        expect(await codeOfAsync(log.proveInclusion(liedIndex * 256 + 1))).toBe('LOG_DAMAGED');
      }
    }
  });

  it('of leaves is noticed before one is handed on', async () => {
    const changed = async (first: number, count: number) =>
      (await whole.readLeaves(first, count)).map((one, i) =>
        first + i === 300 ? flipped(one, 0) : one,
      );
    const moved = (first: number, count: number) =>
      whole.readLeaves(first === 0 ? 0 : first - 1, count);
    const missing = async () => [];
    for (const [readLeaves, code, last] of [
      [changed, 'LOG_DAMAGED', 299],
      [moved, 'LOG_DAMAGED', 255],
      [missing, 'LOG_TRUNCATED', -1],
    ] as const) {
      const log = await openLog(lying(whole, { readLeaves }));
      const seen: number[] = [];
      const reading = (async () => {
        for await (const { index } of log.leaves()) seen.push(index);
      })();
      expect(await codeOfAsync(reading)).toBe(code);
      expect(seen.at(-1) ?? -1).toBe(last);
    }
  });

  it('of more leaves than were asked for changes nothing', async () => {
    const readLeaves = (first: number) => whole.readLeaves(first, 256);
    const log = await openLog(lying(whole, { readLeaves }));
    const seen: number[] = [];
    for await (const { index } of log.leaves(10, 20)) seen.push(index);
    expect(seen).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('with the log of another id, or by another signer, is refused', async () => {
    const findSigner = findAmong([AUTHOR.identity]);
    const logId = new Uint8Array(16);
    expect(await codeOfAsync(SignedLog.open({ storage: whole, logId, findSigner }))).toBe(
      'LOG_MISPLACED',
    );
    const stranger = findAmong([await testIdentity()]);
    expect(await codeOfAsync(openLog(whole, { findSigner: stranger }))).toBe(
      'BLOB_SIGNER_NOT_TRUSTED',
    );
  });
});

describe('a memory in files', () => {
  it('lets a later process notice a rewind, and keeps one checkpoint', async () => {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'seen');
    const { storage } = await logOf(LEAVES.slice(0, 300));
    for (const size of [300, 301, 302]) {
      const log = await openLog(storage, { memory: await openCheckpointMemory(path) });
      expect(log.size).toBe(size);
      await log.append([LEAVES[0]!], AUTHOR);
    }
    expect(await readdir(path)).toEqual(['000000000000303.cms']);
    const memory = await openCheckpointMemory(path);
    const backup = await storageOf(...LEAVES.slice(0, 300));
    expect(await codeOfAsync(openLog(backup, { memory }))).toBe('LOG_REWOUND');
    expect(await codeOfAsync(openLog(new MemoryLogStorage(), { memory }))).toBe('LOG_REWOUND');
    const fork = await storageOf(...LEAVES);
    expect(await codeOfAsync(openLog(fork, { memory }))).toBe('LOG_FORKED');
    await folder.remove();
  });

  it('is not moved back by a process that has seen less', async () => {
    const folder = await temporaryFolder();
    const memory = await openCheckpointMemory(folder.path);
    const bytes = (size: number) => Uint8Array.of(size);
    expect(await memory.newest()).toBeUndefined();
    expect(await memory.remember(9, bytes(9))).toBe(true);
    expect(await memory.remember(7, bytes(7))).toBe(true);
    expect(await memory.remember(9, bytes(8))).toBe(false);
    expect(await memory.newest()).toEqual(bytes(9));
    expect(await memory.remember(1_000_000_000_000, bytes(1))).toBe(true);
    expect(await memory.newest()).toEqual(bytes(1));
    expect(await readdir(folder.path)).toHaveLength(1);
    await memory.forget();
    expect(await memory.newest()).toBeUndefined();
    await folder.remove();
  });

  it('shows a running process what another one has seen', async () => {
    const memory = memoryOfOneProcess();
    const restorable = new RestorableStorage(await storageOf(...LEAVES.slice(0, 10)));
    const one = await openLog(restorable.storage, { memory });
    const two = await openLog(restorable.storage, { memory });
    await two.append([LEAVES[10]!], AUTHOR);
    // Put back to what the first one knows.
    restorable.restore(
      lying(await storageOf(...LEAVES.slice(0, 10)), {
        head: async () => ({ size: 10, checkpoint: one.checkpoint!.bytes }),
      }),
    );
    expect(await codeOfAsync(one.refresh())).toBe('LOG_REWOUND');
  });

  it('notices two logs of one size that two processes have seen at once', async () => {
    const memory = memoryOfOneProcess();
    const logs = [await storageOf(...LEAVES.slice(0, 10)), await storageOf(...OTHERS.slice(0, 10))];
    const codes = await Promise.all(
      logs.map((storage) => codeOfAsync(openLog(storage, { memory }))),
    );
    expect(codes.toSorted()).toEqual(['LOG_REWOUND', 'none']);
  });

  it('of another log is not taken for this one', async () => {
    const memory = memoryOfOneProcess();
    const { storage } = await logOf(LEAVES.slice(0, 10));
    await openLog(storage, { memory });
    const other = { logId: new Uint8Array(16), memory };
    expect(await codeOfAsync(openLog(new MemoryLogStorage(), other))).toBe('LOG_MISPLACED');
  });
});

describe('accepting a restored backup', () => {
  it.each([
    ['shorter', LEAVES.slice(0, 200)],
    ['empty', []],
    ['forked', [...LEAVES.slice(0, 200), ...OTHERS]],
  ])('goes on from one that is %s, and tells what is given up', async (_what, leaves) => {
    const memory = memoryOfOneProcess();
    const restorable = new RestorableStorage(await storageOf(...LEAVES.slice(0, 300)));
    const log = await openLog(restorable.storage, { memory });
    const before = log.checkpoint;
    restorable.restore(await storageOf(...leaves));
    expect(await codeOfAsync(log.refresh())).toMatch(/^LOG_(REWOUND|FORKED)$/);
    expect(await log.accept()).toEqual(before);
    expect(log.size).toBe(leaves.length);
    expect(await log.append([OTHERS[0]!], AUTHOR)).toMatchObject({ index: leaves.length });
    expect(await log.verifyAll()).toBe(leaves.length + 1);
    const later = await openLog(restorable.storage, { memory });
    expect(later.checkpoint).toEqual(log.checkpoint);
  });

  it('gives up nothing where the log has only grown', async () => {
    const { storage, append } = await logOf(LEAVES.slice(0, 300));
    const log = await openLog(storage, { memory: memoryOfOneProcess() });
    expect(await log.accept()).toBeUndefined();
    await append(LEAVES[300]!);
    expect(await log.accept()).toBeUndefined();
    expect(log.size).toBe(301);
  });

  it('gives up nothing for a log that is damaged, cut or of somebody else', async () => {
    const memory = memoryOfOneProcess();
    const present = await storageOf(...LEAVES.slice(0, 300));
    await openLog(present, { memory });
    const backup = await storageOf(...LEAVES.slice(0, 200));
    const readTile = async () => new Uint8Array(0);
    const restorable = new RestorableStorage(present);
    const log = await openLog(restorable.storage, { memory });
    restorable.restore(lying(backup, { readTile }));
    expect(await codeOfAsync(log.accept())).toBe('LOG_TRUNCATED');
    restorable.restore(present);
    await log.refresh();
    expect(log.size).toBe(300);
    expect(await codeOfAsync(openLog(backup, { memory, logId: LOG_ID }))).toBe('LOG_REWOUND');
  });
});
