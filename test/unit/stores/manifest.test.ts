/** The manifest: what it finds, what it forgives, and how several writers share it. */
import { appendFile, chmod, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobFormatError } from '../../../lib/errors.ts';
import { verifyMessage, findAmong } from '../../../lib/messages/verify-message.ts';
import type { SigningIdentity } from '../../../lib/messages/sign-message.ts';
import {
  decodeManifestEntry,
  isSignedBy,
  manifestEntryMessage,
  signManifestEntry,
  type ManifestChange,
  type ManifestEntry,
} from '../../../lib/stores/manifest/manifest-entry.ts';
import { encodeManifestLine } from '../../../lib/stores/manifest/manifest-line.ts';
import type { Manifest, ManifestTrustAnchor } from '../../../lib/stores/manifest/manifest.ts';
import { mayHaveBeenAppended } from '../../../lib/stores/manifest/uncertain-append.ts';
import {
  clock,
  manifestPath,
  openManifest,
  randomId,
  recordOf,
  sha256,
  STORE_ID,
  written,
} from '../../support/manifest.ts';
import { canLoseRights, mountTmpfs, withoutRoot } from '../../support/permissions.ts';
import { testIdentity } from '../../support/signing-identity.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
let path: string;
let me: SigningIdentity;
const ids = Array.from({ length: 6 }, () => randomId());

beforeEach(async () => {
  folder = await temporaryFolder();
  path = manifestPath(folder.path);
  me = await testIdentity();
});

afterEach(() => folder.remove());

/** A manifest with one entry for each of `ids`. */
async function filled(): Promise<Manifest> {
  const manifest = await openManifest(folder.path, me);
  for (const id of ids) await manifest.append(written(id, 1), me, clock);
  return manifest;
}

async function lines(): Promise<string[]> {
  return (await readFile(path, 'latin1')).split('\n').filter((line) => line !== '');
}

async function writeLines(text: readonly string[]): Promise<void> {
  await writeFile(path, text.map((line) => `\n${line}\n`).join(''));
}

function accepts(der: Uint8Array, signer: SigningIdentity): boolean {
  try {
    return isSignedBy(decodeManifestEntry(der), signer);
  } catch (error) {
    if (error instanceof BlobFormatError) return false;
    throw error;
  }
}

/** What opening says: a code, or the index of the head. */
async function outcome(options: Parameters<typeof openManifest>[2] = {}): Promise<string | number> {
  try {
    return (await openManifest(folder.path, me, options)).head.index;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** An entry for the place after `manifest`'s head, whoever may sign it. */
function forge(
  manifest: Manifest,
  by: SigningIdentity,
  change: ManifestChange = written(randomId(), 1),
): Promise<ManifestEntry> {
  const { index, hash } = manifest.head;
  const fields = { storeId: STORE_ID, index: index + 1, prev: hash, signerKeyId: by.keyId };
  return signManifestEntry(by, { ...fields, change }, clock());
}

describe('a manifest', () => {
  it('is empty where there is no file, and makes none', async () => {
    const manifest = await openManifest(folder.path, me);
    expect(manifest.head).toEqual({ index: 0, hash: new Uint8Array(32) });
    expect(manifest.current(ids[0]!)).toBeUndefined();
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });

  it('tells version, hash, label and deletion of each record', async () => {
    const manifest = await openManifest(folder.path, me);
    const id = ids[0]!;
    await manifest.append(written(id, 1, 'first'), me, clock);
    await manifest.append(written(ids[1]!, 1), me, clock);
    await manifest.append(written(id, 2, 'second'), me, clock);
    const { sha256: digest } = written(id, 2) as { sha256: Uint8Array };
    const again = await openManifest(folder.path, me);
    for (const reader of [manifest, again]) {
      expect(reader.current(id)).toEqual({
        version: 2,
        sha256: digest,
        label: 'second',
        index: 3,
        created: 1,
        deleted: false,
      });
    }
    await again.append({ kind: 'delete', id, version: 3 }, me, clock);
    await manifest.refresh();
    expect(manifest.current(id)).toMatchObject({ version: 3, deleted: true, label: 'second' });
    expect([...manifest.records.keys()]).toEqual([id, ids[1]]);
    expect(manifest.head).toEqual(again.head);
  });

  it('refuses a change that is not the next one of its record', async () => {
    const manifest = await filled();
    const id = ids[0]!;
    for (const change of [
      written(id, 1),
      written(id, 3),
      written(randomId(), 2),
      { kind: 'delete', id, version: 1 } as const,
      { kind: 'delete', id: randomId(), version: 1 } as const,
    ]) {
      const error: unknown = await manifest.append(change, me, clock).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'STORE_CONFLICT' });
      expect(mayHaveBeenAppended(error)).toBe(false);
    }
    expect(await lines()).toHaveLength(ids.length);
  });

  it('refuses what could not be read again', async () => {
    const manifest = await filled();
    for (const label of ['x'.repeat(256), 'escape \u001b[2J'])
      await expect(manifest.append(written(randomId(), 1, label), me, clock)).rejects.toMatchObject(
        { code: 'PARAMETER_INVALID' },
      );
    expect(await lines()).toHaveLength(ids.length);
  });

  it('writes no signature that does not verify', async () => {
    const manifest = await filled();
    const faulty: SigningIdentity = {
      ...me,
      sign: async (message) => {
        const signature = new Uint8Array(await me.sign(message));
        signature[20]! ^= 1;
        return signature;
      },
    };
    await expect(manifest.append(written(randomId(), 1), faulty, clock)).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    expect(await lines()).toHaveLength(ids.length);
  });

  it('gives its entries in order, whole', async () => {
    const manifest = await filled();
    const entries: ManifestEntry[] = [];
    for await (const entry of manifest.entries()) entries.push(entry);
    expect(entries.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(entries.map(({ change }) => 'id' in change && change.id)).toEqual(ids);
    expect(entries.at(-1)!.hash).toEqual(manifest.head.hash);
  });

  it('exports an entry as a message that stands alone', async () => {
    const manifest = await filled();
    for await (const entry of manifest.entries()) {
      const message = manifestEntryMessage(entry, me);
      const verified = verifyMessage(message, ['manifestEntry'], findAmong([me]));
      expect(verified.message.content).toEqual(entry.content);
      expect(verified.message.signingTime).toEqual(clock());
      expect(() => verifyMessage(message, ['trust'], findAmong([me]))).toThrow('eContentType');
    }
  });

  it.each(['p-384', 'rsa-2048'] as const)('is signed with %s as well', async (kind) => {
    me = await testIdentity(kind);
    await filled();
    const manifest = await openManifest(folder.path, me);
    expect(await manifest.verifyAll()).toEqual({ entries: ids.length, covered: 0 });
  });

  it('verifies every signature on demand, with progress', async () => {
    const manifest = await filled();
    const steps: number[][] = [];
    const result = await manifest.verifyAll({ onProgress: (...step) => steps.push(step) });
    expect(result).toEqual({ entries: ids.length, covered: 0 });
    expect(steps.at(-1)).toEqual([ids.length, ids.length]);
  });
});

describe('a manifest that somebody changed', () => {
  it('is damaged by a change of any character, unless only the newest entry is lost', async () => {
    await filled();
    const good = await lines();
    for (const [n, line] of good.entries()) {
      for (let at = 0; at < line.length; at += 7) {
        for (const other of ['A', '/', '=', ' ', '\n', '\u0000', '\u00ff']) {
          if (line[at] === other) continue;
          const changed = line.slice(0, at) + other + line.slice(at + 1);
          await writeLines(good.with(n, changed));
          const found = await outcome();
          if (n === good.length - 1 && found === n) continue; // looks cut: as if it had not been written
          expect(found, `line ${n} at ${at} as ${JSON.stringify(other)}`).toBe('MANIFEST_DAMAGED');
        }
      }
    }
  });

  it('is damaged by a removed line, unless it was the newest', async () => {
    await filled();
    const good = await lines();
    for (const n of good.keys()) {
      await writeLines(good.toSpliced(n, 1));
      expect(await outcome()).toBe(n === good.length - 1 ? n : 'MANIFEST_DAMAGED');
    }
  });

  it('is damaged by swapped lines', async () => {
    await filled();
    const good = await lines();
    for (let n = 1; n < good.length; n++) {
      const swapped = good.with(n, good[n - 1]!).with(n - 1, good[n]!);
      await writeLines(swapped);
      expect(await outcome()).toBe('MANIFEST_DAMAGED');
    }
  });

  it('means the same with a duplicated line', async () => {
    await filled();
    const good = await lines();
    for (const n of good.keys()) {
      for (const to of good.keys()) {
        if (to < n) continue;
        await writeLines(good.toSpliced(to + 1, 0, good[n]!));
        const manifest = await openManifest(folder.path, me);
        expect(manifest.head.index).toBe(ids.length);
        expect(await manifest.verifyAll()).toEqual({ entries: ids.length, covered: 0 });
      }
    }
  });

  it('is damaged by an entry that a stranger signed in its signer’s name', async () => {
    const manifest = await filled();
    const stranger = await testIdentity();
    const { der } = await forge(manifest, { ...stranger, keyId: me.keyId });
    await appendFile(path, encodeManifestLine(der));
    expect(await outcome()).toBe('MANIFEST_DAMAGED');
    await expect(manifest.refresh()).rejects.toMatchObject({ code: 'MANIFEST_DAMAGED' });
    expect(() => manifest.head).toThrow(expect.objectContaining({ code: 'MANIFEST_DAMAGED' }));
    await expect(manifest.append(written(randomId(), 1), me, clock)).rejects.toMatchObject({
      code: 'MANIFEST_DAMAGED',
    });
  });

  it('is not damaged for ever: a restored file is read again', async () => {
    const manifest = await filled();
    const good = await readFile(path);
    await appendFile(path, '\nAAAA\n');
    await expect(manifest.refresh()).rejects.toMatchObject({ code: 'MANIFEST_DAMAGED' });
    await writeFile(path, good);
    await manifest.refresh();
    expect(manifest.head.index).toBe(ids.length);
  });

  it('is damaged by an entry of another signer, trusted or not', async () => {
    const manifest = await filled();
    const other = await testIdentity();
    await appendFile(path, encodeManifestLine((await forge(manifest, other)).der));
    expect(await outcome()).toBe('MANIFEST_DAMAGED');
    const findTrust = async () => ({ current: other, retired: [me] });
    expect(await outcome({ findTrust })).toBe('MANIFEST_DAMAGED');
  });

  it('is not trusted where its signer has no pin', async () => {
    await filled();
    const other = await testIdentity();
    const findTrust = async () => ({ current: other });
    expect(await outcome({ findTrust })).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });

  it('is damaged where its newest entry is by a retired signer', async () => {
    await filled();
    const other = await testIdentity();
    const findTrust = async () => ({ current: other, retired: [me] });
    expect(await outcome({ findTrust })).toBe('MANIFEST_DAMAGED');
  });

  it('of another store is damaged', async () => {
    await filled();
    expect(await outcome({ storeId: new Uint8Array(16) })).toBe('MANIFEST_DAMAGED');
  });

  it('was rolled back where an entry is gone that has been seen', async () => {
    const manifest = await filled();
    const trustedHead = manifest.head;
    const findTrust = async () => ({ current: me, trustedHead });
    expect(await outcome({ findTrust })).toBe(ids.length);
    await manifest.append(written(randomId(), 1), me, clock);
    expect(await outcome({ findTrust })).toBe(ids.length + 1);
    const good = await lines();
    await writeLines(good.slice(0, ids.length - 1));
    expect(await outcome({ findTrust })).toBe('MANIFEST_ROLLED_BACK');
    await writeLines([]);
    expect(await outcome({ findTrust })).toBe('MANIFEST_ROLLED_BACK');
    await expect(manifest.refresh()).rejects.toMatchObject({ code: 'MANIFEST_ROLLED_BACK' });
  });

  it('was rolled back where a running process has seen more', async () => {
    const manifest = await filled();
    const size = (await readFile(path)).length;
    for (const shorter of [size - 1, size - 2, size - 100, 1, 0]) {
      const good = await readFile(path);
      await truncate(path, shorter);
      await expect(manifest.refresh()).rejects.toMatchObject({ code: 'MANIFEST_ROLLED_BACK' });
      await writeFile(path, good);
      await manifest.refresh();
    }
  });

  it('was rolled back where another end was put in place of what a running process saw', async () => {
    const manifest = await filled();
    const good = await lines();
    const other = await openManifest(folder.path, me);
    await writeLines(good.slice(0, -1));
    await expect(other.refresh()).rejects.toMatchObject({ code: 'MANIFEST_ROLLED_BACK' });
    const fork = await openManifest(folder.path, me);
    await fork.append(written(randomId(), 1), me, clock);
    await fork.append(written(randomId(), 1), me, clock);
    await expect(manifest.refresh()).rejects.toMatchObject({ code: 'MANIFEST_ROLLED_BACK' });
  });

  it('with a line without end is refused in constant memory', async () => {
    await filled();
    await appendFile(path, `\n${'A'.repeat(1 << 20)}`);
    expect(await outcome()).toBe('MANIFEST_DAMAGED');
  });
});

describe('what killed and slow writers leave in a manifest', () => {
  it('a line torn at any place is skipped, whatever follows', async () => {
    const manifest = await filled();
    const good = await readFile(path, 'latin1');
    const line = encodeManifestLine((await forge(manifest, me)).der);
    for (let length = 1; length < line.length - 1; length++) {
      await writeFile(path, good + line.slice(0, length));
      const reader = await openManifest(folder.path, me);
      expect(reader.head.index).toBe(ids.length);
      if (length % 40 !== 1 && length < line.length - 10) continue;
      await reader.append(written(randomId(), 1), me, clock);
      expect(await outcome()).toBe(ids.length + 1);
    }
  });

  it('an entry without its newline counts once something follows, and nobody is lost', async () => {
    const manifest = await filled();
    const line = encodeManifestLine((await forge(manifest, me)).der);
    await appendFile(path, line.slice(0, -1));
    expect(await outcome()).toBe(ids.length);
    await manifest.append(written(randomId(), 1), me, clock);
    expect(manifest.head.index).toBe(ids.length + 2);
    expect(await outcome()).toBe(ids.length + 2);
  });

  it('zeros that a power failure left are skipped', async () => {
    const manifest = await filled();
    await appendFile(path, new Uint8Array(700));
    expect(await outcome()).toBe(ids.length);
    await manifest.append(written(randomId(), 1), me, clock);
    expect(await outcome()).toBe(ids.length + 1);
  });

  it('an entry that lost its race is skipped', async () => {
    const manifest = await filled();
    const slow = await forge(manifest, me);
    await manifest.append(written(randomId(), 1), me, clock);
    await manifest.append(written(randomId(), 1), me, clock);
    await appendFile(path, encodeManifestLine(slow.der));
    await manifest.append(written(randomId(), 1), me, clock);
    expect(await outcome()).toBe(ids.length + 3);
    expect(await manifest.verifyAll()).toEqual({ entries: ids.length + 3, covered: 0 });
  });

  it('an entry of several records that lost its race is skipped whole', async () => {
    const manifest = await filled();
    const late = Array.from({ length: 5 }, () => randomId());
    const slow = await forge(manifest, me, {
      kind: 'puts',
      records: late.map((id) => recordOf(id)),
    });
    await manifest.append(written(randomId(), 1), me, clock);
    await appendFile(path, encodeManifestLine(slow.der));
    await manifest.append(written(randomId(), 1), me, clock);
    expect(await outcome()).toBe(ids.length + 2);
    expect(late.filter((id) => manifest.current(id))).toEqual([]);
    expect(await manifest.verifyAll()).toEqual({ entries: ids.length + 2, covered: 0 });
  });

  it('an entry of several records of which one is not the next of its id spoils the manifest', async () => {
    const manifest = await filled();
    const records = [recordOf(randomId()), recordOf(ids[0]!)];
    const wrong = await forge(manifest, me, { kind: 'puts', records });
    await appendFile(path, encodeManifestLine(wrong.der));
    expect(await outcome()).toBe('MANIFEST_DAMAGED');
  });

  it('entries that follow a copy of one that counts are not taken for lost', async () => {
    const manifest = await filled();
    const all = await lines();
    await writeLines([...all.slice(0, 2), ...all.slice(1)]);
    expect(await outcome()).toBe(ids.length);
    await writeLines([...all.slice(0, 2), all[1]!, ...all.slice(3)]);
    expect(await outcome()).toBe('MANIFEST_DAMAGED');
    expect(manifest.head.index).toBe(ids.length);
  });

  it('batches of several processes all get in, each record once and in their order', async () => {
    const manifests = [await filled(), await openManifest(folder.path, me)];
    const records = Array.from({ length: 600 }, () => recordOf(randomId()));
    const entries = await Promise.all(
      manifests.map((manifest, n) =>
        manifest.appendAll(records.slice(n * 300, (n + 1) * 300), me, clock),
      ),
    );
    // 256 records an entry.
    expect(new Set(entries.flat().map((entry) => entry?.index)).size).toBe(4);
    expect(await outcome()).toBe(ids.length + 4);
    const listed = [...(await openManifest(folder.path, me)).records.keys()];
    for (const n of [0, 1]) {
      const mine = records.slice(n * 300, (n + 1) * 300).map(({ id }) => id);
      expect(listed.filter((id) => mine.includes(id))).toEqual(mine);
    }
  });

  it('of a batch, what another process was faster with is left out, and the rest appended', async () => {
    const manifest = await filled();
    const [first, second] = [recordOf(randomId()), recordOf(randomId())];
    await (await openManifest(folder.path, me)).append({ kind: 'put', ...first }, me, clock);
    const [lost, won] = await manifest.appendAll([first, second], me, clock);
    expect(lost).toBeUndefined();
    expect(won?.index).toBe(ids.length + 2);
  });

  it('many appends of one process all get in', async () => {
    const manifest = await filled();
    const other = await openManifest(folder.path, me);
    const appends = Array.from({ length: 40 }, (_, n) =>
      (n % 2 ? manifest : other).append(written(randomId(), 1), me, clock),
    );
    const entries = await Promise.all(appends);
    expect(new Set(entries.map(({ index }) => index)).size).toBe(40);
    expect(await outcome()).toBe(ids.length + 40);
  });

  it('one of two changes of one record wins', async () => {
    const manifest = await filled();
    const other = await openManifest(folder.path, me);
    const results = await Promise.allSettled(
      [manifest, other].map((each) => each.append(written(ids[0]!, 2), me, clock)),
    );
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'STORE_CONFLICT' },
    });
  });
});

describe('rotation in a manifest', () => {
  const OLD = new Uint8Array(32).fill(1);
  const NEW = new Uint8Array(32).fill(2);
  let next: SigningIdentity;
  let known: Map<string, ManifestTrustAnchor>;
  const open = () =>
    openManifest(folder.path, me, {
      findTrust: async (trust) => known.get(String(trust?.sha256))!,
    });

  beforeEach(async () => {
    next = await testIdentity();
    known = new Map<string, ManifestTrustAnchor>([
      ['undefined', { current: me }],
      [String(OLD), { current: me }],
      [String(NEW), { current: next, retired: [me] }],
    ]);
  });

  it('hands over from the old signer to the new one', async () => {
    const manifest = await open();
    const other = await open();
    await manifest.append({ kind: 'trust', version: 1, sha256: OLD }, me, clock);
    await manifest.append(written(ids[0]!, 1), me, clock);
    await manifest.append({ kind: 'trust', version: 2, sha256: NEW }, me, clock);
    expect((await open()).trust).toEqual({ version: 2, sha256: NEW, index: 3 });
    for (const each of [manifest, other])
      await expect(each.append(written(ids[1]!, 1), me, clock)).rejects.toMatchObject({
        code: 'STORE_CONFLICT',
      });
    await other.append(written(ids[1]!, 1), next, clock);
    await manifest.refresh();
    expect(manifest.head).toEqual(other.head);
    expect(await (await open()).verifyAll()).toEqual({ entries: 4, covered: 0 });
  });

  it('leaves entries of a revoked signer covered by those after them', async () => {
    const manifest = await open();
    await manifest.append(written(ids[0]!, 1), me, clock);
    await manifest.append({ kind: 'trust', version: 1, sha256: NEW }, me, clock);
    await manifest.append(written(ids[1]!, 1), next, clock);
    known.set(String(NEW), { current: next });
    expect(await (await open()).verifyAll()).toEqual({ entries: 3, covered: 2 });
  });

  it('lets only one of two changes of trust win', async () => {
    const manifest = await open();
    await manifest.append({ kind: 'trust', version: 7, sha256: OLD }, me, clock);
    for (const version of [7, 9])
      await expect(
        manifest.append({ kind: 'trust', version, sha256: NEW }, me, clock),
      ).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
  });

  it('does not let the old signer come back', async () => {
    const manifest = await open();
    await manifest.append({ kind: 'trust', version: 1, sha256: NEW }, me, clock);
    await appendFile(path, encodeManifestLine((await forge(manifest, me)).der));
    await expect(open()).rejects.toMatchObject({ code: 'MANIFEST_DAMAGED' });
  });
});

describe('the place of a manifest', () => {
  it('a folder there is FILE_WRONG_TYPE', async () => {
    await mkdir(path);
    expect(await outcome()).toBe('FILE_WRONG_TYPE');
  });

  it('a home that is not there is FILE_NOT_FOUND for the first append', async () => {
    const manifest = await openManifest(`${folder.path}/absent`, me);
    await expect(manifest.append(written(randomId(), 1), me, clock)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });

  it('a full disk is STORAGE_FULL, and the manifest goes on when there is room', async ({
    skip,
  }) => {
    const disk = mountTmpfs(`${folder.path}/small`, 'size=16k');
    if (!disk) return skip('this user may not mount a tmpfs');
    try {
      const manifest = await openManifest(disk.path, me);
      const filler = `${disk.path}/filler`;
      await writeFile(filler, new Uint8Array(4096));
      let failure: unknown;
      for (let n = 0; n < 100 && !failure; n++)
        failure = await manifest.append(written(randomId(), 1), me, clock).then(
          () => undefined,
          (error: unknown) => error,
        );
      expect(failure).toMatchObject({ code: 'STORAGE_FULL' });
      expect(mayHaveBeenAppended(failure)).toBe(false);
      const { index } = manifest.head;
      expect((await openManifest(disk.path, me)).head.index).toBe(index);
      await truncate(filler, 0);
      await manifest.append(written(randomId(), 1), me, clock);
      expect((await openManifest(disk.path, me)).head.index).toBe(index + 1);
    } finally {
      disk.unmount();
    }
  });

  it.skipIf(!canLoseRights)('no right to read or to write is PERMISSION_DENIED', async () => {
    const manifest = await filled();
    await chmod(folder.path, 0o755);
    await chmod(path, 0o444);
    await withoutRoot(async () => {
      expect(await outcome()).toBe(ids.length);
      await expect(manifest.append(written(randomId(), 1), me, clock)).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
      });
    });
    await chmod(path, 0o000);
    await withoutRoot(async () => expect(await outcome()).toBe('PERMISSION_DENIED'));
  });
});

describe('an entry', () => {
  it('is refused with any bit flipped, or is another entry that its signature does not fit', async () => {
    const manifest = await filled();
    const { der } = await forge(manifest, me);
    for (let bit = 0; bit < der.length * 8; bit++) {
      const flipped = der.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(accepts(flipped, me), `bit ${bit}`).toBe(false);
    }
  });

  it('hashes to what the next one names', async () => {
    const manifest = await filled();
    const entry = await forge(manifest, me);
    expect(entry.hash).toEqual(sha256(entry.der));
    expect(entry.prev).toEqual(manifest.head.hash);
  });
});
