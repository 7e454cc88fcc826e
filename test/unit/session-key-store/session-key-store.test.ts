import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import type { SessionKey } from '../../../lib/keys/session-key.ts';
import type { KeyInfo } from '../../../lib/session-key-store/types.ts';
import {
  newStore,
  secretText,
  temporaryHome,
  type TemporaryHome,
} from '../../support/temporary-home.ts';

const sameKey = (a: SessionKey, b: SessionKey): boolean => a.toKeyObject().equals(b.toKeyObject());
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The record files of a home, newest names last. */
async function recordFiles({ home }: TemporaryHome): Promise<string[]> {
  const names = await readdir(join(home, 'records'), { recursive: true });
  return names
    .filter((name) => name.endsWith('.cms'))
    .toSorted()
    .map((name) => join(home, 'records', name));
}

/** What another process sees. */
async function fromAnew<T>(
  where: TemporaryHome,
  work: (store: SessionKeyStore) => Promise<T>,
): Promise<T> {
  await using store = await SessionKeyStore.open(where);
  return await work(store);
}

describe('keys of a store', () => {
  it('opens the key that another process made, by label, id and prefix', async () => {
    const { store, where } = await newStore();
    using made = await store.createKey('reports', {
      purpose: 'files',
      attributes: [['owner', 'Ada']],
    });
    await fromAnew(where, async (other) => {
      for (const query of ['reports', made.id, made.id.slice(0, 6)]) {
        using opened = await other.openKey(query);
        expect(sameKey(opened, made)).toBe(true);
      }
    });
    expect(await store.showKey('reports')).toMatchObject({
      label: 'reports',
      purpose: 'files',
      version: 1,
      state: 'ok',
      decryptOnly: false,
      attributes: [['owner', 'Ada']],
    });
  });

  it('sees what another process makes while both are open', async () => {
    const { store, where } = await newStore();
    await using other = await SessionKeyStore.open(where);
    using made = await other.createKey('later');
    using opened = await store.openKey('later');
    expect(sameKey(opened, made)).toBe(true);
  });

  it.each(['p-384', 'rsa-2048'] as const)('keeps keys in a container of %s', async (algorithm) => {
    const { store, where } = await newStore({ algorithm });
    using made = await store.createKey('a');
    await fromAnew(where, async (other) => {
      using opened = await other.openKey('a');
      expect(sameKey(opened, made)).toBe(true);
    });
  });

  it('rotates a label: the new key is found by it, the old one by its id', async () => {
    const { store } = await newStore();
    using old = await store.createKey('notes');
    using next = await store.rotateKey('notes');
    using byLabel = await store.openKey('notes');
    using byId = await store.openKey(old.id);
    expect([byLabel.id, byId.id]).toEqual([next.id, old.id]);
    expect(sameKey(old, next)).toBe(false);
  });

  it('removes a key for good', async () => {
    const { store, where } = await newStore();
    using key = await store.createKey('gone');
    await store.removeKey('gone');
    await expect(store.openKey(key.id)).rejects.toMatchObject({
      code: 'KEY_NOT_FOUND',
      nte: 0x8009000d,
    });
    await fromAnew(where, async (other) => expect(await collect(other.listKeys())).toEqual([]));
  });

  it('keeps key and commitment through a re-wrap', async () => {
    const { store } = await newStore();
    using made = await store.createKey('a');
    const before = await store.showKey('a');
    const after = await store.rewrap('a', { addPassword: secretText('pw') });
    using opened = await store.openKey('a');
    expect(sameKey(opened, made)).toBe(true);
    expect(after).toMatchObject({
      version: 2,
      commitment: before.commitment,
      created: before.created,
    });
    expect(after.recipients?.map(({ type }) => type).toSorted()).toEqual(['argon2id', 'ecdh']);
  });

  it('refuses to encrypt with a key past its last day, and still decrypts with it', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const { store } = await newStore({ clock: () => now });
    using key = await store.createKey('yearly', { notAfter: new Date('2026-12-31T00:00:00Z') });
    const data = await store.encrypt(new Uint8Array(3), { key: key.id });
    now = new Date('2027-01-01T00:00:00Z');
    await expect(store.encrypt(new Uint8Array(3), { key: key.id })).rejects.toMatchObject({
      code: 'RECORD_EXPIRED',
    });
    expect(await store.decrypt(data)).toEqual(new Uint8Array(3));
  });

  it('names what is wrong with labels, lengths and prefixes', async () => {
    const { store } = await newStore();
    for (const label of ['', 'a\u001b[31m', 'x'.repeat(256), '\ud800']) {
      await expect(store.createKey(label)).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
    }
    await expect(store.openKey('nobody')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  it('prints and serializes keys without their bytes', async () => {
    const { store } = await newStore();
    using key = await store.createKey('a');
    const hex = key.toKeyObject().export().toString('hex');
    const { inspect } = await import('node:util');
    for (const text of [
      JSON.stringify(key),
      inspect(key, { showHidden: true, depth: 9 }),
      JSON.stringify({ nested: [key] }),
    ])
      expect(text).not.toContain(hex);
  });
});

describe('a store without its private key', () => {
  it('lists and verifies, and opens nothing', async () => {
    const { store, where } = await newStore({
      protector: 'passphrase',
      passphrase: () => Promise.resolve(secretText('pass')),
    });
    await store.createKey('a');
    await using reader = await SessionKeyStore.open({ ...where, readOnly: true });
    expect(
      (await collect(reader.listKeys())).map(({ label, state }: KeyInfo) => [label, state]),
    ).toEqual([['a', 'ok']]);
    expect((await collect(reader.verify())).map(({ state }) => state)).toEqual(['ok']);
    await expect(reader.openKey('a')).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' });
    await expect(reader.createKey('b')).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' });
  });

  it('asks for the passphrase once, and refuses a wrong one', async () => {
    const { store, where } = await newStore({
      protector: 'passphrase',
      passphrase: () => Promise.resolve(secretText('pass')),
    });
    await store.close();
    let asked = 0;
    await using again = await SessionKeyStore.open({
      ...where,
      passphrase: () => (asked++, Promise.resolve(secretText('pass'))),
    });
    expect(again.readOnly).toBe(false);
    expect(asked).toBe(1);
    await expect(
      SessionKeyStore.open({ ...where, passphrase: () => Promise.resolve(secretText('wrong')) }),
    ).rejects.toMatchObject({ code: 'PASSWORD_WRONG' });
    await expect(SessionKeyStore.open(where)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' });
  });
});

describe('an attacker at the store', () => {
  it('is noticed when he puts an older record back', async () => {
    const { store, where } = await newStore();
    using key = await store.createKey('a');
    const [file] = await recordFiles(where);
    const older = await readFile(file!);
    await store.rewrap('a');
    const [newer] = await recordFiles(where);
    await rm(newer!);
    await writeFile(file!, older);
    await expect(fromAnew(where, (other) => other.openKey(key.id))).rejects.toMatchObject({
      code: 'RECORD_ROLLED_BACK',
    });
    await expect(fromAnew(where, (other) => collect(other.verify()))).resolves.toMatchObject([
      { state: 'RECORD_ROLLED_BACK' },
    ]);
  });

  it('is noticed when he removes a record', async () => {
    const { store, where } = await newStore();
    using key = await store.createKey('a');
    await rm((await recordFiles(where))[0]!);
    await expect(fromAnew(where, (other) => other.openKey(key.id))).rejects.toMatchObject({
      code: 'RECORD_MISSING',
    });
  });

  it('is noticed when he swaps two valid records', async () => {
    const { store, where } = await newStore();
    await store.createKey('a');
    await store.createKey('b');
    const [first, second] = await recordFiles(where);
    await rename(first!, `${first}.x`);
    await rename(second!, first!);
    await rename(`${first}.x`, second!);
    const states = await fromAnew(where, async (other) =>
      (await collect(other.verify())).map(({ state }) => state),
    );
    expect(states).toHaveLength(2);
    for (const state of states) expect(['RECORD_MISPLACED', 'RECORD_ROLLED_BACK']).toContain(state);
  });

  it('is noticed when he moves a record to another store', async () => {
    const { store, where } = await newStore();
    const { where: elsewhere } = await newStore();
    await store.createKey('a');
    await cp(join(where.home, 'records'), join(elsewhere.home, 'records'), { recursive: true });
    await expect(fromAnew(elsewhere, (other) => other.openKey('a'))).rejects.toMatchObject({
      code: 'KEY_NOT_FOUND',
    });
  });

  it('is refused with a key of his own, wrapped for the public exchange key', async () => {
    const { store, where } = await newStore();
    const { store: attacker } = await newStore();
    using key = await store.createKey('a');
    using his = await attacker.createKey('a', {
      recipients: [await store.certificate('exchange')],
    });
    const [file] = await recordFiles(where);
    await writeFile(file!, await attacker.exportRecord(his.id));
    const error = await fromAnew(where, (other) => other.openKey(key.id)).catch(
      (caught: unknown) => caught,
    );
    expect(['BLOB_SIGNER_NOT_TRUSTED', 'BLOB_SIGNATURE_INVALID', 'RECORD_ROLLED_BACK']).toContain(
      (error as { code: string }).code,
    );
    const forged = await attacker.exportRecord(his.id);
    expect(() => store.verifyRecord(forged)).toThrow(
      expect.objectContaining({ code: 'BLOB_SIGNER_NOT_TRUSTED' }) as Error,
    );
  });

  it('is refused with a trust list of his own, or an older one', async () => {
    const { store, where } = await newStore();
    const { where: his } = await newStore();
    const older = await readFile(join(where.home, 'trust.cms'));
    await cp(join(his.home, 'trust.cms'), join(where.home, 'trust.cms'));
    await expect(SessionKeyStore.open(where)).rejects.toMatchObject({
      code: expect.stringMatching(/TRUST_INVALID|MANIFEST|SIGNER/) as string,
    });
    await writeFile(join(where.home, 'trust.cms'), older);
    await store.rotateContainer();
    await writeFile(join(where.home, 'trust.cms'), older);
    await rm(join(where.home, 'pending'), { recursive: true });
    await expect(SessionKeyStore.open(where)).rejects.toMatchObject({
      code: expect.stringMatching(/TRUST_INVALID|MANIFEST|SIGNER/) as string,
    });
  });
});

describe('a container', () => {
  it('rotates: old files open, until its signer is revoked', async () => {
    const { store, where } = await newStore();
    const data = await store.encrypt(new Uint8Array([1, 2, 3]));
    expect(await store.rotateContainer()).toBe(1);
    expect(await store.decrypt(data)).toEqual(new Uint8Array([1, 2, 3]));
    await fromAnew(where, async (other) =>
      expect(await other.decrypt(data)).toEqual(new Uint8Array([1, 2, 3])),
    );
    await store.revokeSigner(store.listSigners().find(({ state }) => state === 'retired')!.keyId);
    await expect(store.decrypt(data)).rejects.toMatchObject({ code: 'BLOB_SIGNER_NOT_TRUSTED' });
    await expect(fromAnew(where, (other) => other.decrypt(data))).rejects.toMatchObject({
      code: 'BLOB_SIGNER_NOT_TRUSTED',
    });
  });

  it('is noticed by a process that had the old one open', async () => {
    const { store, where } = await newStore();
    await using other = await SessionKeyStore.open(where);
    await other.createKey('before');
    await store.rotateContainer();
    using after = await other.createKey('after');
    using opened = await store.openKey('after');
    expect(sameKey(after, opened)).toBe(true);
    expect((await collect(store.verify())).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  it('can be exported and brought in elsewhere, where it opens what it opened', async () => {
    const { store } = await newStore();
    const { store: other } = await newStore();
    const data = await store.encrypt(new Uint8Array([9]));
    await other.importContainer('old', await store.exportContainer());
    expect(await other.decrypt(data)).toEqual(new Uint8Array([9]));
  });

  it('is not exported against its policy', async () => {
    const { store } = await newStore({ exportable: false });
    await expect(store.exportContainer()).rejects.toMatchObject({
      code: 'EXPORT_FORBIDDEN',
      nte: 0x8009000b,
    });
  });

  it('changes its protector', async () => {
    const { store, where } = await newStore();
    await store.createKey('a');
    await store.protectContainer('passphrase', () => Promise.resolve(secretText('new')));
    await store.close();
    await expect(SessionKeyStore.open(where)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' });
    await using again = await SessionKeyStore.open({
      ...where,
      passphrase: () => Promise.resolve(secretText('new')),
    });
    using key = await again.openKey('a');
    expect(key.label).toBe('a');
  });
});

describe('a store with a damaged record', () => {
  it('still rotates its container, and tells which record it had to leave', async () => {
    const { store, where } = await newStore();
    await store.createKey('whole');
    using lost = await store.createKey('lost');
    const files = await recordFiles(where);
    await rm(files.find((name) => name.includes(lost.id))!);
    const states = new Map<string, string>();
    expect(
      await store.rotateContainer({ onProgress: ({ id, state }) => states.set(id, state) }),
    ).toBe(1);
    expect(states.get(lost.id)).toBe('RECORD_MISSING');
  });

  it('keeps a retired signer while it has records of his', async () => {
    const { store } = await newStore();
    await store.createKey('a');
    await store.createKey('b');
    const abort = new AbortController();
    const interrupted = store.rotateContainer({
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'CANCELLED' });
    const retired = store.listSigners().find(({ state }) => state === 'retired')!;
    await expect(store.revokeSigner(retired.keyId)).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
    });
    expect(await store.rotateContainer()).toBe(1);
    expect(store.listSigners().map(({ state }) => state)).toEqual(['retired', 'current']);
    await store.revokeSigner(retired.keyId);
  });

  it('opens files by their own header', async () => {
    const { store, where } = await newStore();
    const data = await store.encrypt(new Uint8Array([5]));
    await rm((await recordFiles(where))[0]!);
    expect(await fromAnew(where, (other) => other.decrypt(data))).toEqual(new Uint8Array([5]));
  });
});

describe('records from elsewhere', () => {
  it('come in from a pinned signer', async () => {
    const { store } = await newStore();
    const { store: alice } = await newStore();
    using key = await alice.createKey('shared', {
      recipients: [await store.certificate('exchange')],
    });
    const record = await alice.exportRecord(key.id);
    await expect(store.importRecord(record)).rejects.toMatchObject({
      code: 'BLOB_SIGNER_NOT_TRUSTED',
    });
    await store.trustSigner(await alice.certificate('signature'), 'Alice');
    expect(await store.importRecord(record)).toMatchObject({
      id: key.id,
      provenance: 'imported-signed',
      decryptOnly: true,
    });
    using opened = await store.openKey('shared');
    expect(sameKey(opened, key)).toBe(true);
  });

  it('stay from elsewhere when they were signed by a container that was brought in', async () => {
    const { store } = await newStore();
    const { store: alice } = await newStore();
    using key = await alice.createKey('hers');
    await store.importContainer('alice', await alice.exportContainer());
    const next = await store.rewrapRecord(await alice.exportRecord(key.id));
    expect(store.verifyRecord(next)).toMatchObject({
      provenance: 'imported-unsigned',
      decryptOnly: true,
    });
  });

  it("take nobody's place under a label", async () => {
    const { store } = await newStore();
    const { store: alice } = await newStore();
    using own = await store.createKey('reports');
    using hers = await alice.createKey('reports', {
      recipients: [await store.certificate('exchange')],
    });
    await store.trustSigner(await alice.certificate('signature'));
    await store.importRecord(await alice.exportRecord(hers.id));
    expect(await store.resolve('reports')).toBe(own.id);
    using byId = await store.openKey(hers.id);
    expect(byId.decryptOnly).toBe(true);
    await store.adopt(hers.id);
    expect(await store.resolve('reports')).toBe(hers.id);
  });

  it('come in by a password alone, and decrypt only until they are adopted', async () => {
    const { store } = await newStore();
    const { store: alice } = await newStore();
    using password = secretText('sesame');
    using key = await alice.createKey('shared', { password });
    expect(await store.importRecord(await alice.exportRecord(key.id), { password })).toMatchObject({
      decryptOnly: true,
    });
    await expect(store.encrypt(new Uint8Array(1), { key: 'shared' })).rejects.toMatchObject({
      code: 'KEY_DECRYPT_ONLY',
    });
    await store.adopt('shared');
    expect(await store.encrypt(new Uint8Array(1), { key: 'shared' })).toBeInstanceOf(Uint8Array);
  });
});

describe('a home', () => {
  it('is made once', async () => {
    const { where } = await newStore();
    await expect(SessionKeyStore.create(where)).rejects.toMatchObject({
      code: 'HOME_EXISTS',
      nte: 0x8009000f,
    });
  });

  it('is made by one of several that try at once', async () => {
    const where = await temporaryHome();
    const tries = await Promise.allSettled(
      Array.from({ length: 4 }, async () => {
        await using store = await SessionKeyStore.create(where);
        using key = await store.createKey('mine');
        return key.id;
      }),
    );
    const made = tries.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const refused = tries.flatMap((end) =>
      end.status === 'rejected' ? [(end.reason as { code: string }).code] : [],
    );
    expect(made).toHaveLength(1);
    expect(refused).toEqual(['HOME_EXISTS', 'HOME_EXISTS', 'HOME_EXISTS']);
    await fromAnew(where, async (store) => {
      using key = await store.openKey('mine');
      expect(key.id).toBe(made[0]);
    });
  });

  it('that is not there is named', async () => {
    await expect(SessionKeyStore.open(await temporaryHome())).rejects.toMatchObject({
      code: 'HOME_NOT_FOUND',
    });
  });

  it('seals a new container as the old one, whatever keycask.json says', async () => {
    const ask = { passphrase: () => Promise.resolve(secretText('pass')) };
    const { store, where } = await newStore({ protector: 'passphrase', ...ask });
    await store.close();
    const configuration = join(where.home, 'keycask.json');
    await writeFile(
      configuration,
      (await readFile(configuration, 'utf8')).replace('passphrase', 'machine-secret'),
    );
    await using edited = await SessionKeyStore.open({ ...where, ...ask });
    await edited.rotateContainer();
    const { exchange } = await edited.showContainer();
    expect(exchange?.posture?.onDisk).toContain('passphrase');
    await expect(SessionKeyStore.open(where)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' });
  });

  it('with a trust list or a configuration of another size or kind is refused at once', async () => {
    const { where } = await newStore();
    for (const name of ['trust.cms', 'keycask.json']) {
      const path = join(where.home, name);
      const whole = await readFile(path);
      await writeFile(path, Buffer.alloc(2_000_000));
      await expect(SessionKeyStore.open(where)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
      await rm(path);
      await mkdir(path);
      await expect(SessionKeyStore.open(where)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
      await rm(path, { recursive: true });
      await writeFile(path, whole);
    }
  });

  it('without its trust list trusts nothing', async () => {
    const { where } = await newStore();
    await rm(join(where.home, 'trust.cms'));
    await rm(join(where.home, 'pending'), { recursive: true, force: true });
    await expect(SessionKeyStore.open(where)).rejects.toMatchObject({ code: 'TRUST_NOT_FOUND' });
  });

  it('copied without its machine secret opens nowhere', async () => {
    const { where } = await newStore();
    const elsewhere = await temporaryHome();
    await cp(where.home, elsewhere.home, { recursive: true });
    await expect(SessionKeyStore.open(elsewhere)).rejects.toMatchObject({
      code: 'PROTECTOR_UNAVAILABLE',
    });
  });

  it('that was closed says so', async () => {
    const { store } = await newStore();
    await store.close();
    await store.close();
    await expect(store.openKey('a')).rejects.toMatchObject({
      code: 'HANDLE_INVALID',
      nte: 0x80090026,
    });
  });

  it('in memory does all of it without a disk', async () => {
    await using store = await SessionKeyStore.inMemory();
    using key = await store.createKey('a');
    const data = await store.encrypt(new Uint8Array([7]), {
      key: key.id,
      context: { kind: 'test' },
    });
    expect(await store.decrypt(data, { context: { kind: 'test' } })).toEqual(new Uint8Array([7]));
    expect(await store.rotateContainer()).toBe(1);
    expect((await collect(store.verify())).map(({ state }) => state)).toEqual(['ok']);
  });
});
