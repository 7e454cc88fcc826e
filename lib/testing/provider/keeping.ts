/** Cases: NCryptOpenKey, NCryptEnumKeys, NCryptDeleteKey, scopes and the legacy store. */
import assert from 'node:assert/strict';
import type { PersistedKey } from '../../contracts/provider.ts';
import {
  algorithm,
  BOTH_SCOPES,
  fails,
  LEGACY_STORE,
  listed,
  PERSISTED,
  sameBytes,
  type ProviderCase,
} from './provider-case.ts';
import { message } from './test-messages.ts';

const AWKWARD_NAMES = [
  'a',
  'A',
  'with spaces and ünïcode 鍵',
  '../../etc/passwd',
  'C:\\Windows',
  'CON',
  '.',
  'x'.repeat(260),
];

export const KEEPING: readonly ProviderCase[] = [
  {
    title: 'keeps a key for other processes, with its name, kind and public key',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const made = await test.key(test.signingAlgorithm(), 'AT_SIGNATURE', { name });
      const provider = await test.again();
      const key = await provider.openKey(name, 'AT_SIGNATURE');
      assert.equal(key.name, name);
      assert.equal(key.algorithm, made.algorithm);
      assert.equal(key.legacyKeySpec, 'AT_SIGNATURE');
      assert.equal(key.scope, 'user');
      sameBytes(key.publicKey, made.publicKey);
      const scheme = key.algorithm === 'RSA' ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256';
      if (key.algorithm !== 'ECDSA_P384') await key.sign(message(scheme));
    },
  },
  {
    title: 'does not find a key that is not there (NTE_BAD_KEYSET)',
    async body(test) {
      await fails('CONTAINER_NOT_FOUND', test.provider.openKey(test.name(), 'AT_KEYEXCHANGE'));
      if (!test.capabilities.persisted) return;
      const name = test.name();
      await test.exchangeKey({ name });
      await fails('CONTAINER_NOT_FOUND', test.provider.openKey(name, 'AT_SIGNATURE'));
      await fails('CONTAINER_NOT_FOUND', test.provider.openKey(name, 'none'));
      for (const wrong of ['', 'a\0b', undefined])
        await fails('PARAMETER_INVALID', test.provider.openKey(wrong as never, 'AT_SIGNATURE'));
      await fails('PARAMETER_INVALID', test.provider.openKey(name, 'AT_NOTHING' as never));
    },
  },
  {
    title: 'keeps the keys of the user and of the machine apart',
    needs: [PERSISTED, BOTH_SCOPES],
    async body(test) {
      const name = test.name();
      const user = await test.exchangeKey({ name });
      await fails(
        'CONTAINER_NOT_FOUND',
        test.provider.openKey(name, 'AT_KEYEXCHANGE', { scope: 'machine' }),
      );
      const machine = await test.exchangeKey({ name, scope: 'machine' });
      assert.equal(machine.scope, 'machine');
      const provider = await test.again();
      for (const key of [user, machine]) {
        const { scope } = key;
        const again = await provider.openKey(name, 'AT_KEYEXCHANGE', { scope });
        sameBytes(again.publicKey, key.publicKey);
        const found = (await listed(provider, { scope })).filter((info) => info.name === name);
        assert.deepEqual(
          found.map((info) => info.scope),
          [scope],
        );
      }
      await user.delete();
      await provider.openKey(name, 'AT_KEYEXCHANGE', { scope: 'machine' });
    },
  },
  {
    title: 'takes names that no file could have, and tells a from A',
    needs: [PERSISTED],
    async body(test) {
      const keys: PersistedKey[] = [];
      for (const name of AWKWARD_NAMES) keys.push(await test.exchangeKey({ name }));
      const provider = await test.again();
      for (const key of keys) {
        const again = await provider.openKey(key.name!, 'AT_KEYEXCHANGE');
        sameBytes(again.publicKey, key.publicKey);
        await again.delete();
      }
    },
  },
  {
    title: 'lists what is kept, each key once, and nothing else',
    needs: [PERSISTED],
    async body(test) {
      const before = (await listed(test.provider)).length;
      const keys: PersistedKey[] = [];
      for (let n = 0; n < 12; n++) keys.push(await test.exchangeKey({ name: test.name() }));
      const name = keys[0]!.name!;
      keys.push(await test.signatureKey({ name }));
      await test.exchangeKey();
      await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE', { name: test.name() });
      const all = await listed(await test.again());
      assert.equal(all.length - before, keys.length);
      for (const key of keys) {
        const info = all.find(
          (one) => one.name === key.name && one.legacyKeySpec === key.legacyKeySpec,
        );
        assert.ok(info, 'every key is listed');
        assert.equal(info.algorithm, key.algorithm);
        assert.equal(info.scope, 'user');
        sameBytes(info.publicKey, key.publicKey);
      }
      await keys[1]!.delete();
      const left = await listed(test.provider);
      assert.ok(!left.some((info) => info.name === keys[1]!.name));
      await fails('PARAMETER_INVALID', listed(test.provider, { scope: 'everybody' as never }));
    },
  },
  {
    title: 'deletes a key for everybody, and frees its name',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const key = await test.exchangeKey({ name });
      const signature = await test.signatureKey({ name });
      await key.delete();
      const provider = await test.again();
      await fails('CONTAINER_NOT_FOUND', provider.openKey(name, 'AT_KEYEXCHANGE'));
      sameBytes((await provider.openKey(name, 'AT_SIGNATURE')).publicKey, signature.publicKey);
      const fresh = await test.exchangeKey({ name });
      assert.notDeepEqual(fresh.publicKey, key.publicKey);
      sameBytes((await provider.openKey(name, 'AT_KEYEXCHANGE')).publicKey, fresh.publicKey);
    },
  },
  {
    title: 'cannot change through an old handle a key that was deleted or replaced',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const key = await test.exchangeKey({ name });
      const old = await (await test.again()).openKey(name, 'AT_KEYEXCHANGE');
      await key.delete();
      await fails('HANDLE_INVALID', old.setProperty('custom:late', new Uint8Array(1)));
      await fails('CONTAINER_NOT_FOUND', test.provider.openKey(name, 'AT_KEYEXCHANGE'));
      const fresh = await test.exchangeKey({ name });
      await old.delete();
      sameBytes((await test.provider.openKey(name, 'AT_KEYEXCHANGE')).publicKey, fresh.publicKey);
    },
  },
  {
    title: 'writes only named RSA keys of a slot to the legacy store (NTE_BAD_FLAGS)',
    needs: [PERSISTED, LEGACY_STORE],
    async body(test) {
      const legacy = { writeToLegacyStore: true };
      const pending = await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE', {
        name: test.name(),
      });
      if (test.exchangeAlgorithm() !== 'RSA') {
        await fails('FLAGS_INVALID', pending.finalize(legacy));
        // The wrong flag did not use the pending key up.
        await pending.finalize();
      }
      if (!test.capabilities.algorithms.includes('RSA')) return;
      await fails('FLAGS_INVALID', test.key('RSA', 'AT_KEYEXCHANGE', { name: null, ...legacy }));
      await fails('FLAGS_INVALID', test.key('RSA', 'none', { name: test.name(), ...legacy }));
    },
  },
  {
    title: 'writes an RSA key to the legacy store too, and deletes it in both',
    needs: [PERSISTED, LEGACY_STORE, algorithm('RSA')],
    async body(test) {
      const name = test.name();
      const wanted = { name, writeToLegacyStore: true };
      const key = await test.key('RSA', 'AT_KEYEXCHANGE', wanted);
      const provider = await test.again();
      const again = await provider.openKey(name, 'AT_KEYEXCHANGE');
      sameBytes(again.publicKey, key.publicKey);
      for (const handle of [key, again])
        assert.match((await handle.getProperty('posture')).notes.join('\n'), /legacy store/);
      assert.equal((await listed(provider)).filter((info) => info.name === name).length, 1);
      await again.delete();
      await fails('CONTAINER_NOT_FOUND', provider.openKey(name, 'AT_KEYEXCHANGE'));
    },
  },
];
