/** What homes on an archive do, whichever it is: one suite for lmdb and PostgreSQL. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import type { CreateStoreOptions, StoreChoice } from '../../lib/session-key-store/types.ts';
import { codeOfAsync } from './errors.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

/** A place for archives, and what an attacker and an operator can do to it. */
export interface ArchivePlace {
  /** A place where nothing lies yet. */
  choose(): Promise<StoreChoice>;
  /** Writes a backup, and answers what puts it back. All stores on it are closed, then and now. */
  backUp(choice: StoreChoice): Promise<() => Promise<void>>;
  /** Removes the row of a record, tells nobody. */
  removeRow(choice: StoreChoice, id: string): Promise<void>;
  /** Writes the row of one record over that of another. */
  copyRow(choice: StoreChoice, from: string, to: string): Promise<void>;
}

export function testArchiveHomes(name: string, place: ArchivePlace): void {
  describe(`homes on ${name}`, () => {
    let folder: TemporaryFolder;
    let homes = 0;
    beforeAll(async () => {
      folder = await temporaryFolder();
    });
    afterAll(() => folder.remove());

    const options = (store: StoreChoice, home = `home ${++homes}`) =>
      ({
        home: join(folder.path, home),
        stateFolder: join(folder.path, `state of ${home}`),
        store,
        ...(store.kind === 'postgres' && store.url && { storeUrl: store.url }),
      }) satisfies CreateStoreOptions;

    it('keep keys: made, listed in order, opened again, rotated, re-wrapped, removed', async () => {
      const where = options(await place.choose());
      const store = await SessionKeyStore.create(where);
      using made = await store.createKey('reports');
      (await store.createKey('letters')).dispose();
      using newer = await store.rotateKey('reports');
      await store.close();
      await using again = await SessionKeyStore.open(where);
      using opened = await again.openKey('reports');
      expect(opened.id).toBe(newer.id);
      using older = await again.openKey(made.id.slice(0, 12));
      expect(older.id).toBe(made.id);
      expect(await labels(again)).toEqual(['reports', 'letters', 'reports']);
      expect((await again.rewrap(made.id)).version).toBe(2);
      await again.removeKey(made.id);
      expect(await labels(again)).toEqual(['letters', 'reports']);
      expect(await codeOfAsync(again.openKey(made.id))).toBe('KEY_NOT_FOUND');
      for await (const { state } of again.verify()) expect(state).toBe('ok');
      expect((await again.doctor()).checks.every(({ ok }) => ok)).toBe(true);
    });

    it('list and verify without a private key', async () => {
      const where = options(await place.choose());
      await using store = await SessionKeyStore.create(where);
      (await store.createKey('reports')).dispose();
      await using reader = await SessionKeyStore.open({ ...where, readOnly: true });
      expect(await labels(reader)).toEqual(['reports']);
      expect(await codeOfAsync(reader.createKey('more'))).toBe('PASSWORD_REQUIRED');
    });

    it('rotate their container: what the old one signed opens, what it signs later does not count', async () => {
      const where = options(await place.choose());
      await using store = await SessionKeyStore.create(where);
      for (let n = 0; n < 5; n++) (await store.createKey(`key ${n}`)).dispose();
      expect(await store.rotateContainer()).toBe(5);
      await using again = await SessionKeyStore.open(where);
      using key = await again.openKey('key 3');
      expect(key.label).toBe('key 3');
      expect(again.listSigners().map(({ state }) => state)).toEqual(
        expect.arrayContaining(['current', 'retired']),
      );
      (await again.createKey('later')).dispose();
      expect(await labels(store)).toHaveLength(6);
    });

    it('share a store: each follows the other, and opens what is wrapped for it', async () => {
      const choice = await place.choose();
      const where = options(choice);
      await using first = await SessionKeyStore.create(where);
      (await first.createKey('private')).dispose();
      const whereSecond = { ...options(choice), join: await first.invite() };
      await using second = await SessionKeyStore.create(whereSecond);
      // The log goes on by somebody whom the first does not know yet.
      expect(await codeOfAsync(first.createKey('too early'))).toBe('BLOB_SIGNER_NOT_TRUSTED');
      const signing = await second.certificate('signature');
      await using pinning = await SessionKeyStore.open({ ...where, alsoTrust: [signing] });
      await pinning.trustSigner(signing, 'second');
      const recipients = [await second.certificate('exchange')];
      using shared = await pinning.createKey('shared', { recipients });
      using opened = await second.openKey('shared');
      expect(opened.id).toBe(shared.id);
      expect(await codeOfAsync(second.openKey('private'))).toBe('NO_RECIPIENT');
      (await second.createKey('of the second')).dispose();
      expect(await labels(pinning)).toEqual(['private', 'shared', 'of the second']);
      await pinning.revokeSigner('second');
      expect(await codeOfAsync(pinning.openKey('of the second'))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    });

    it('notice a backup that was put back, and accept it on purpose', async () => {
      const choice = await place.choose();
      const where = options(choice);
      const before = await SessionKeyStore.create(where);
      (await before.createKey('before')).dispose();
      await before.close();
      const restore = await place.backUp(choice);
      const after = await SessionKeyStore.open(where);
      (await after.createKey('after')).dispose();
      const stranger = await SessionKeyStore.inMemory();
      await after.trustSigner(await stranger.certificate('signature'), 'stranger');
      await after.revokeSigner('stranger');
      await after.close();
      await restore();
      expect(await codeOfAsync(SessionKeyStore.open(where))).toBe('LOG_REWOUND');
      const { entries, entriesBefore } = await SessionKeyStore.accept(where);
      expect(entries).toBeLessThan(entriesBefore!);
      await using accepted = await SessionKeyStore.open(where);
      expect(await labels(accepted)).toEqual(['before']);
      // What was decided of trust is not undone by a backup.
      expect(accepted.listSigners().find((signer) => signer.name === 'stranger')?.state).toBe(
        'revoked',
      );
      (await accepted.createKey('goes on')).dispose();
      expect(await labels(accepted)).toEqual(['before', 'goes on']);
    });

    it('accept a backup from before their container was replaced', async () => {
      const choice = await place.choose();
      const where = options(choice);
      const before = await SessionKeyStore.create(where);
      (await before.createKey('before')).dispose();
      await before.close();
      const restore = await place.backUp(choice);
      const after = await SessionKeyStore.open(where);
      await after.rotateContainer();
      const [current] = after.listSigners().filter(({ state }) => state === 'current');
      await after.close();
      await restore();
      expect(await codeOfAsync(SessionKeyStore.open(where))).toBe('LOG_REWOUND');
      await SessionKeyStore.accept(where);
      await using accepted = await SessionKeyStore.open(where);
      expect(accepted.listSigners().find(({ state }) => state === 'current')).toEqual(current);
      using key = await accepted.openKey('before');
      expect(key.label).toBe('before');
      (await accepted.createKey('goes on')).dispose();
    });

    it('notice a log that was forked', async () => {
      const choice = await place.choose();
      const where = options(choice);
      const first = await SessionKeyStore.create(where);
      const joining = { ...options(choice), join: await first.invite() };
      const second = await SessionKeyStore.create(joining);
      const signing = await second.certificate('signature');
      const pinning = await SessionKeyStore.open({ ...where, alsoTrust: [signing] });
      await pinning.trustSigner(signing, 'second');
      for (const store of [first, second, pinning]) await store.close();
      const restore = await place.backUp(choice);
      await using later = await SessionKeyStore.open(where);
      (await later.createKey('on one branch')).dispose();
      await later.close();
      await restore();
      // The second home has not seen the first one's key: for it nothing was put back.
      await using other = await SessionKeyStore.open(joining);
      for (const label of ['a', 'b', 'c']) (await other.createKey(label)).dispose();
      expect(await codeOfAsync(SessionKeyStore.open(where))).toBe('LOG_FORKED');
    });

    it('notice a row that is gone, and one that is another', async () => {
      const choice = await place.choose();
      const where = options(choice);
      const store = await SessionKeyStore.create(where);
      using one = await store.createKey('one');
      using two = await store.createKey('two');
      using three = await store.createKey('three');
      await store.close();
      await place.removeRow(choice, one.id);
      await place.copyRow(choice, three.id, two.id);
      await using again = await SessionKeyStore.open(where);
      expect(await codeOfAsync(again.openKey('one'))).toBe('RECORD_MISSING');
      expect(await codeOfAsync(again.openKey('two'))).toBe('RECORD_MISPLACED');
      using whole = await again.openKey('three');
      expect(whole.id).toBe(three.id);
      const found = new Map<string, string>();
      for await (const { label, state } of again.verify()) found.set(label, state);
      expect(Object.fromEntries(found)).toEqual({
        one: 'RECORD_MISSING',
        two: 'RECORD_MISPLACED',
        three: 'ok',
      });
    });

    it('are none for a release that knows no archive, and none where another home is', async () => {
      const choice = await place.choose();
      const where = options(choice);
      await (await SessionKeyStore.create(where)).close();
      expect(await codeOfAsync(SessionKeyStore.create(where))).toBe('HOME_EXISTS');
    });
  });
}

async function labels(store: SessionKeyStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { label } of store.listKeys()) found.push(label);
  return found;
}
