/** Cases: handles after close and delete (NTE_INVALID_HANDLE). */
import assert from 'node:assert/strict';
import type { PersistedKey } from '../../contracts/provider.ts';
import { fails, listed, PERSISTED, type ProviderCase } from './provider-case.ts';
import { message, recordFor } from './test-messages.ts';

export const CLOSING: readonly ProviderCase[] = [
  {
    title: 'refuses every use of a closed key, but not its public key; closing twice is nothing',
    async body(test) {
      const key = await test.exchangeKey();
      const publicKey = Uint8Array.from(key.publicKey);
      await key.close();
      await key.close();
      await key[Symbol.asyncDispose]();
      await isFree(key);
      assert.deepEqual(Uint8Array.from(key.publicKey), publicKey);
    },
  },
  {
    title: 'refuses every use of a deleted key',
    async body(test) {
      const name = test.capabilities.persisted ? test.name() : null;
      const key = await test.signatureKey({ name });
      await key.delete();
      await isFree(key);
      assert.ok(key.publicKey.length > 0);
      await key.close();
    },
  },
  {
    title: 'closes a key at the end of its block',
    async body(test) {
      let outside: PersistedKey;
      {
        await using key = await test.exchangeKey();
        outside = key;
      }
      await isFree(outside);
    },
  },
  {
    title: 'leaves other handles of a closed key as they are',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const key = await test.exchangeKey({ name });
      const other = await test.provider.openKey(name, 'AT_KEYEXCHANGE');
      await key.close();
      await other.getProperty('keyUsage');
    },
  },
  {
    title: 'closes its keys with itself; closing twice is nothing',
    async body(test) {
      const { provider } = test;
      const key = await test.exchangeKey();
      const pending = await test.pending(test.signingAlgorithm(), 'AT_SIGNATURE');
      await provider.close();
      await provider.close();
      await provider[Symbol.asyncDispose]();
      await isFree(key);
      await fails('HANDLE_INVALID', pending.setProperty('custom:late', new Uint8Array(1)));
      await fails('HANDLE_INVALID', pending.finalize());
      const algorithm = test.exchangeAlgorithm();
      await fails('HANDLE_INVALID', provider.createPersistedKey(algorithm, null, 'AT_KEYEXCHANGE'));
      await fails('HANDLE_INVALID', provider.importKey(undefined as never, null, 'AT_SIGNATURE'));
      await fails('HANDLE_INVALID', provider.openKey('any', 'AT_SIGNATURE'));
      await fails('HANDLE_INVALID', listed(provider));
    },
  },
];

async function isFree(key: PersistedKey): Promise<void> {
  const { record } = await recordFor(key.publicKey);
  await fails('HANDLE_INVALID', key.unwrap(record, 0));
  await fails('HANDLE_INVALID', key.sign(message('ecdsa-sha256')));
  await fails('HANDLE_INVALID', key.getProperty('keyUsage'));
  await fails('HANDLE_INVALID', key.setProperty('custom:late', new Uint8Array(1)));
  await fails('HANDLE_INVALID', key.exportKey('pkcs8'));
  await fails('HANDLE_INVALID', key.delete());
}
