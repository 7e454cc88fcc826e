/** Cases: NCryptCreatePersistedKey and NCryptFinalizeKey. */
import assert from 'node:assert/strict';
import { decodeSpki } from '../../cms/spki.ts';
import { curveOf, type KeyAlgorithm } from '../../keys/key-algorithms.ts';
import {
  algorithm,
  fails,
  listed,
  NO_VBS,
  PERSISTED,
  sameBytes,
  winners,
  type ProviderCase,
} from './provider-case.ts';

const EC_ALGORITHMS = ['ECDH_P256', 'ECDH_P384', 'ECDSA_P256', 'ECDSA_P384'] as const;
const RACERS = 8;

export const CREATING: readonly ProviderCase[] = [
  {
    title: 'has a name, and the capabilities that it was announced with',
    async body({ provider, capabilities }) {
      assert.ok(provider.name.length > 0);
      assert.deepEqual(provider.capabilities, capabilities);
    },
  },
  ...EC_ALGORITHMS.map((name): ProviderCase => ({
    title: `makes ${name} keys, each another one`,
    needs: [algorithm(name)],
    async body(test) {
      const one = await test.key(name, specOf(name));
      const other = await test.key(name, specOf(name));
      const publicKey = decodeSpki(one.publicKey);
      assert.ok(publicKey.type === 'ec' && publicKey.curve === curveOf(name));
      assert.equal(one.algorithm, name);
      assert.notDeepEqual(one.publicKey, other.publicKey);
    },
  })),
  {
    title: 'makes RSA keys of every length that it names, 3072 unless told otherwise',
    needs: [algorithm('RSA')],
    async body({ provider, capabilities }) {
      assert.ok(capabilities.rsaLengths.length > 0);
      for (const length of [undefined, ...capabilities.rsaLengths]) {
        const pending = await provider.createPersistedKey('RSA', null, 'AT_KEYEXCHANGE');
        if (length !== undefined) await pending.setProperty('length', length);
        const key = await pending.finalize();
        const publicKey = decodeSpki(key.publicKey);
        assert.ok(publicKey.type === 'rsa' && publicKey.modulusBits === (length ?? 3072));
        assert.equal(await key.getProperty('length'), length ?? 3072);
      }
    },
  },
  {
    title: 'refuses an RSA length that it does not make',
    needs: [algorithm('RSA')],
    async body({ provider }) {
      const pending = await provider.createPersistedKey('RSA', null, 'AT_KEYEXCHANGE');
      for (const length of [0, 512, 2047, 1e9, Number.NaN, '2048' as never])
        await fails('PARAMETER_INVALID', pending.setProperty('length', length));
    },
  },
  {
    title: 'refuses an algorithm, a name, a spec or a scope that is none',
    async body(test) {
      const { provider } = test;
      const ec = test.exchangeAlgorithm();
      for (const name of ['AES', '', 'rsa', undefined] as never[])
        await fails('ALGORITHM_UNSUPPORTED', provider.createPersistedKey(name, null, 'none'));
      for (const name of ['', 'a\0b', 'line\nbreak', 'x'.repeat(261), '\ud800', 5 as never])
        await fails('PARAMETER_INVALID', provider.createPersistedKey(ec, name, 'AT_KEYEXCHANGE'));
      for (const spec of ['AT_NOTHING', 1, undefined] as never[])
        await fails('PARAMETER_INVALID', provider.createPersistedKey(ec, null, spec));
      const scope = 'everybody' as never;
      await fails(
        'PARAMETER_INVALID',
        provider.createPersistedKey(ec, null, 'AT_KEYEXCHANGE', { scope }),
      );
    },
  },
  ...EC_ALGORITHMS.map((name): ProviderCase => ({
    title: `refuses ${name} for the slot that it cannot fill`,
    needs: [algorithm(name)],
    async body({ provider }) {
      const wrong = specOf(name) === 'AT_SIGNATURE' ? 'AT_KEYEXCHANGE' : 'AT_SIGNATURE';
      await fails('PARAMETER_INVALID', provider.createPersistedKey(name, null, wrong));
    },
  })),
  {
    title: 'refuses perBoot without a VBS option (NTE_BAD_FLAGS), and an isolation that is none',
    async body(test) {
      const create = (options: object) =>
        test.provider.createPersistedKey(test.exchangeAlgorithm(), null, 'AT_KEYEXCHANGE', options);
      await fails('FLAGS_INVALID', create({ perBoot: true }));
      await fails('FLAGS_INVALID', create({ perBoot: true, isolation: 'none' }));
      await fails('FLAGS_INVALID', create({ isolation: 'perhaps' }));
    },
  },
  {
    title: 'refuses require-vbs where there is no VBS (NTE_VBS_UNAVAILABLE), per boot or not',
    needs: [NO_VBS],
    async body(test) {
      for (const perBoot of [false, true]) {
        const options = { isolation: 'require-vbs', perBoot } as const;
        await fails('VBS_UNAVAILABLE', test.exchangeKey(options));
      }
    },
  },
  {
    title: 'falls back from prefer-vbs, and the posture says so, later too',
    needs: [NO_VBS],
    async body(test) {
      const plain = await test.exchangeKey();
      assert.deepEqual((await plain.getProperty('posture')).notes, []);
      const name = test.capabilities.persisted ? test.name() : null;
      const key = await test.exchangeKey({ name, isolation: 'prefer-vbs' });
      const handles = [key];
      if (name !== null) handles.push(await (await test.again()).openKey(name, 'AT_KEYEXCHANGE'));
      for (const handle of handles) {
        const { notes, inMemory } = await handle.getProperty('posture');
        assert.match(notes.join('\n'), /prefer-vbs/);
        assert.notEqual(inMemory, 'VBS');
      }
    },
  },
  {
    title: 'finalizes a key once: then the pending key is an invalid handle',
    async body(test) {
      const pending = await test.pending(test.signingAlgorithm(), 'AT_SIGNATURE');
      const both = await Promise.allSettled([pending.finalize(), pending.finalize()]);
      assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
      await fails('HANDLE_INVALID', pending.finalize());
      await fails('HANDLE_INVALID', pending.setProperty('custom:late', new Uint8Array(1)));
    },
  },
  {
    title: 'makes an ephemeral key that works and that nobody can find',
    async body(test) {
      const key = await test.exchangeKey({ name: null });
      assert.equal(key.name, null);
      const { onDisk, survives } = await key.getProperty('posture');
      assert.equal(onDisk, 'nowhere');
      assert.equal(survives.reboot, false);
      assert.deepEqual(
        (await listed(test.provider)).filter(({ publicKey }) =>
          Buffer.from(publicKey).equals(key.publicKey),
        ),
        [],
      );
      await key.delete();
    },
  },
  {
    title: 'does not keep a key before it is finalized',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const pending = await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE', { name });
      const other = await test.again();
      await fails('CONTAINER_NOT_FOUND', other.openKey(name, 'AT_KEYEXCHANGE'));
      const key = await pending.finalize();
      sameBytes((await other.openKey(name, 'AT_KEYEXCHANGE')).publicKey, key.publicKey);
    },
  },
  {
    title: 'refuses a name that exists (NTE_EXISTS), but not its other slot',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const key = await test.exchangeKey({ name });
      await fails('CONTAINER_EXISTS', test.exchangeKey({ name }));
      await test.signatureKey({ name });
      sameBytes((await test.provider.openKey(name, 'AT_KEYEXCHANGE')).publicKey, key.publicKey);
    },
  },
  {
    title: 'overwrites a key when told to, not before the new one is finalized',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const old = await test.exchangeKey({ name });
      const pending = await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE', {
        name,
        overwrite: true,
      });
      const present = await test.provider.openKey(name, 'AT_KEYEXCHANGE');
      sameBytes(present.publicKey, old.publicKey);
      const fresh = await pending.finalize();
      assert.notDeepEqual(fresh.publicKey, old.publicKey);
      const again = await (await test.again()).openKey(name, 'AT_KEYEXCHANGE');
      sameBytes(again.publicKey, fresh.publicKey);
      assert.equal((await listed(test.provider)).filter((key) => key.name === name).length, 1);
    },
  },
  ...[false, true].map((overwrite): ProviderCase => ({
    title: overwrite
      ? 'lets one of several keys that overwrite the same key win'
      : 'lets one of several new keys of one name win',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      if (overwrite) await test.exchangeKey({ name });
      const pending = [];
      for (let n = 0; n < RACERS; n++) {
        const wanted = { name, overwrite };
        pending.push(await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE', wanted));
      }
      const won = await winners(pending.map((key) => key.finalize()));
      assert.equal(won.length, 1);
      const present = await (await test.again()).openKey(name, 'AT_KEYEXCHANGE');
      sameBytes(present.publicKey, won[0]!.publicKey);
    },
  })),
];

function specOf(name: KeyAlgorithm): 'AT_KEYEXCHANGE' | 'AT_SIGNATURE' {
  return name.startsWith('ECDSA') ? 'AT_SIGNATURE' : 'AT_KEYEXCHANGE';
}
