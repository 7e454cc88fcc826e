/** A signed log: what is appended is read back in order, many share a checkpoint, and of two writers none loses anything. */
import { describe, expect, it } from 'vitest';
import { findAmong } from '../../../lib/messages/verify-message.ts';
import { decodeCheckpoint } from '../../../lib/signed-log/checkpoint.ts';
import { LOG_LIMITS, MemoryLogStorage, verifyCheckpoint } from '../../../lib/signed-log/index.ts';
import { decodeSignedData } from '../../../lib/cms/signed-data.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import { testIdentity } from '../../support/signing-identity.ts';
import {
  AUTHOR,
  contentsOf,
  CountingStorage,
  flipped,
  LOG_ID,
  logOf,
  lying,
  naiveRoot,
  openLog,
  someLeaves,
} from '../../support/signed-log.ts';

const leaf = (text: string): Uint8Array => new TextEncoder().encode(text);
const trust = { logId: LOG_ID, findSigner: findAmong([AUTHOR.identity]) };

describe('a signed log', () => {
  it('is empty at first, and then has what was appended, in order', async () => {
    const { log, append } = await logOf();
    expect(log.size).toBe(0);
    expect(log.checkpoint).toBeUndefined();
    expect(await contentsOf(log)).toEqual([]);
    expect(await append(leaf('a'))).toMatchObject({ index: 0, checkpoint: { size: 1 } });
    expect(await append(leaf('b'), leaf('c'))).toMatchObject({ index: 1, checkpoint: { size: 3 } });
    expect(await contentsOf(log)).toEqual(['a', 'b', 'c']);
    expect(await log.verifyAll()).toBe(3);
  });

  it('gives leaves from the middle of a long log, over the borders of tiles', async () => {
    const leaves = someLeaves(1500);
    const { log } = await logOf(leaves);
    const texts: string[] = [];
    for await (const { index, bytes } of log.leaves(250, 1030)) {
      expect(new TextDecoder().decode(bytes)).toBe(`leaf ${index}`);
      texts.push(`${index}`);
    }
    expect(texts).toEqual(Array.from({ length: 780 }, (_, i) => `${250 + i}`));
    expect(log.checkpoint!.root).toEqual(naiveRoot(leaves));
  });

  it('signs each checkpoint, so that whoever has the public key can verify it', async () => {
    const { log, storage } = await logOf(someLeaves(5));
    const { checkpoint } = (await storage.head())!;
    expect(verifyCheckpoint(checkpoint, trust)).toMatchObject({ size: 5, logId: LOG_ID });
    expect(verifyCheckpoint(checkpoint, trust)).toEqual(log.checkpoint);
    const other = await testIdentity();
    const stranger = { logId: LOG_ID, findSigner: findAmong([other]) };
    expect(codeOf(() => verifyCheckpoint(checkpoint, stranger))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    const misplaced = { ...trust, logId: new Uint8Array(16) };
    expect(codeOf(() => verifyCheckpoint(checkpoint, misplaced))).toBe('LOG_MISPLACED');
  });

  it('accepts no message of another kind as a checkpoint, and no checkpoint as another kind', async () => {
    const { log } = await logOf(someLeaves(1));
    const { bytes } = log.checkpoint!;
    const { message } = decodeSignedData(bytes, ['checkpoint'], trust.findSigner);
    expect(decodeCheckpoint(message.content).size).toBe(1);
    for (const type of ['trust', 'manifestEntry', 'report', 'keyBlob', 'contentInfo'] as const)
      expect(codeOf(() => decodeSignedData(bytes, [type], trust.findSigner))).toBe(
        'BLOB_MALFORMED',
      );
  });

  it('verifies no checkpoint of which one bit was changed', async () => {
    const { log } = await logOf(someLeaves(1));
    const { bytes } = log.checkpoint!;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(codeOf(() => verifyCheckpoint(flipped(bytes, bit), trust))).toMatch(/^BLOB_/);
    }
  });
});

describe('appending', () => {
  it('shares one checkpoint among the calls that wait together', async () => {
    const storage = new CountingStorage(new MemoryLogStorage());
    const { log, append } = await logOf([], storage);
    const appended = await Promise.all(someLeaves(100).map((one) => append(one)));
    expect(appended.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(storage.counted.appends).toBe(1);
    expect(new Set(appended.map(({ checkpoint }) => checkpoint.size))).toEqual(new Set([100]));
    expect(await log.verifyAll()).toBe(100);
  });

  it('puts no more together than one append may have', async () => {
    const storage = new CountingStorage(new MemoryLogStorage());
    const { log, append } = await logOf([], storage);
    await Promise.all(someLeaves(2000).map((one) => append(one)));
    expect(storage.counted.appends).toBe(2);
    const long = new Uint8Array(LOG_LIMITS.leafBytes);
    await Promise.all(Array.from({ length: 20 }, () => append(long)));
    expect(storage.counted.appends).toBe(4);
    expect(await log.verifyAll()).toBe(2020);
  });

  it('keeps apart what two authors append', async () => {
    const other = { identity: await testIdentity(), clock: AUTHOR.clock };
    const findSigner = findAmong([AUTHOR.identity, other.identity]);
    const log = await openLog(new MemoryLogStorage(), { findSigner });
    const [first, second] = await Promise.all([
      log.append([leaf('a')], AUTHOR),
      log.append([leaf('b')], other),
    ]);
    expect(first.checkpoint.signer.keyId).toEqual(AUTHOR.identity.keyId);
    expect(second.checkpoint.signer.keyId).toEqual(other.identity.keyId);
    expect(await contentsOf(log)).toEqual(['a', 'b']);
  });

  it('appends after what another writer appended meanwhile', async () => {
    const { log, storage, append } = await logOf(someLeaves(3));
    const other = await openLog(storage);
    await other.append(someLeaves(300, 'other'), AUTHOR);
    expect(await append(leaf('mine'))).toMatchObject({ index: 303 });
    expect(log.size).toBe(304);
    expect((await contentsOf(log)).slice(-2)).toEqual(['other 299', 'mine']);
    await other.refresh();
    expect(await contentsOf(other)).toEqual(await contentsOf(log));
  });

  it('loses nothing of what several writers append at once', async () => {
    const storage = new MemoryLogStorage();
    const logs = await Promise.all(Array.from({ length: 4 }, () => openLog(storage)));
    const appended = await Promise.all(
      logs.flatMap((log, n) =>
        someLeaves(25, `writer ${n}`).map(async (one, i) => {
          if (i % 3 === 0) await Promise.resolve();
          const { index } = await log.append([one], AUTHOR);
          return [index, new TextDecoder().decode(one)] as const;
        }),
      ),
    );
    const log = await openLog(storage);
    expect(log.size).toBe(100);
    const contents = await contentsOf(log);
    for (const [index, text] of appended) expect(contents[index]).toBe(text);
  });

  it('appends only to a log of the size that it was told, where it was told one', async () => {
    const { log, storage, append } = await logOf(someLeaves(3));
    const other = await openLog(storage);
    await other.append([leaf('other')], AUTHOR);
    expect(await codeOfAsync(log.append([leaf('mine')], AUTHOR, { size: 3 }))).toBe(
      'STORE_CONFLICT',
    );
    expect(await log.append([leaf('mine')], AUTHOR, { size: 4 })).toMatchObject({ index: 4 });
    // It may be ahead of what this one has read.
    await other.append([leaf('other')], AUTHOR);
    expect(await log.append([leaf('mine')], AUTHOR, { size: 6 })).toMatchObject({ index: 6 });
    // Together with others it is alone.
    const [, refused] = await Promise.all([
      append(leaf('first')),
      codeOfAsync(log.append([leaf('second')], AUTHOR, { size: 7 })),
    ]);
    expect(refused).toBe('STORE_CONFLICT');
    expect(await log.verifyAll()).toBe(8);
  });

  it('refuses what is no append, and goes on with the others', async () => {
    const { log, append } = await logOf();
    const results = await Promise.all([
      append(leaf('a')),
      codeOfAsync(append()),
      codeOfAsync(append(new Uint8Array(LOG_LIMITS.leafBytes + 1))),
      codeOfAsync(append(...someLeaves(LOG_LIMITS.appendLeaves + 1))),
      append(leaf('b')),
    ]);
    expect(results.slice(1, 4)).toEqual(['PARAMETER_INVALID', 'BLOB_TOO_LARGE', 'BLOB_TOO_LARGE']);
    expect(await contentsOf(log)).toEqual(['a', 'b']);
  });

  it('writes nothing that its readers would not trust', async () => {
    const storage = new CountingStorage(new MemoryLogStorage());
    const { log } = await logOf(someLeaves(2), storage);
    const stranger = { identity: await testIdentity(), clock: AUTHOR.clock };
    storage.reset();
    expect(await codeOfAsync(log.append([leaf('x')], stranger))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    const { identity } = stranger;
    const sign: typeof identity.sign = (message) => identity.sign(message);
    const wrong = { ...AUTHOR, identity: { ...AUTHOR.identity, sign } };
    expect(await codeOfAsync(log.append([leaf('x')], wrong))).toBe('BLOB_SIGNATURE_INVALID');
    expect(storage.counted.appends).toBe(0);
    expect(await log.append([leaf('y')], AUTHOR)).toMatchObject({ index: 2 });
  });

  it('goes on after a storage that failed', async () => {
    const memory = new MemoryLogStorage();
    let isBroken = false;
    const storage = lying(memory, {
      append: async (append) => {
        if (isBroken) throw new TypeError('the network is gone');
        await memory.append(append);
      },
    });
    const { log, append } = await logOf(someLeaves(3), storage);
    isBroken = true;
    await expect(append(leaf('lost'))).rejects.toThrow('the network is gone');
    isBroken = false;
    expect(await append(leaf('kept'))).toMatchObject({ index: 3 });
    expect(await log.verifyAll()).toBe(4);
  });

  it('owns what it was given', async () => {
    const { log, append } = await logOf();
    const bytes = leaf('mine');
    const appended = append(bytes);
    bytes.fill(0);
    await appended;
    expect(await contentsOf(log)).toEqual(['mine']);
  });
});

describe('an audit', () => {
  it('tells its progress and can be stopped', async () => {
    const { log } = await logOf(someLeaves(600));
    const progress: number[] = [];
    await log.verifyAll({ onProgress: (done, total) => progress.push(done, total) });
    expect(progress).toEqual([256, 600, 512, 600, 600, 600]);
    const controller = new AbortController();
    controller.abort();
    expect(await codeOfAsync(log.verifyAll({ signal: controller.signal }))).toBe('CANCELLED');
  });

  it('refuses ranges that the log does not have', async () => {
    const { log } = await logOf(someLeaves(10));
    const asked = [
      () => log.leaves(-1).next(),
      () => log.leaves(0, 11).next(),
      () => log.leaves(5, 4).next(),
      () => log.proveInclusion(10),
      () => log.proveInclusion(5, 5),
      () => log.proveInclusion(0, 11),
      () => log.proveInclusion(0.5),
      () => log.proveConsistency(11),
      () => log.proveConsistency(5, 4),
      () => log.proveConsistency(-1),
    ];
    for (const ask of asked) expect(await codeOfAsync(ask())).toBe('PARAMETER_INVALID');
  });

  it('refuses everything after close', async () => {
    const { log, append } = await logOf(someLeaves(10));
    await log.close();
    await log[Symbol.asyncDispose]();
    for (const ask of [() => log.refresh(), () => append(leaf('x')), () => log.leaves().next()])
      expect(await codeOfAsync(ask())).toBe('HANDLE_INVALID');
  });
});
