/** Cases: unwrapping the recipients of verified records. */
import assert from 'node:assert/strict';
import type { PersistedKey } from '../../contracts/provider.ts';
import { VerifiedKeyRecord } from '../../contracts/verified-record.ts';
import type { WrappedKey } from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { openKeyRecord } from '../../records/open.ts';
import type { PublicKeyRecipient } from '../../records/recipient.ts';
import { algorithm, fails, sameBytes, type Need, type ProviderCase } from './provider-case.ts';
import { classicRecordFor, classicRecordOf, recordFor, type TestRecord } from './test-messages.ts';

type RsaWrap = PublicKeyRecipient['rsa'];

/** Every way in which a record wraps a key, and what a provider has to claim for it. */
const WAYS: readonly (readonly [
  algorithm: KeyAlgorithm,
  type: WrappedKey['type'],
  rsa?: RsaWrap,
])[] = [
  ['ECDH_P256', 'ecdh-x963'],
  ['ECDH_P384', 'ecdh-x963'],
  ['RSA', 'rsa-oaep', 'oaep-sha256'],
  ['RSA', 'rsa-oaep', 'oaep-sha1'],
  ['RSA', 'rsa-pkcs1', 'pkcs1'],
];

const SESSION_KEY_BLOBS: Need = {
  label: 'session keys made inside',
  isMet: ({ sessionKeyBlobs }) => sessionKeyBlobs,
};

const NO_SESSION_KEY_BLOBS: Need = {
  label: 'lack of session keys made inside',
  isMet: ({ sessionKeyBlobs }) => !sessionKeyBlobs,
};

export const UNWRAPPING: readonly ProviderCase[] = [
  ...WAYS.map(([name, type, rsa]): ProviderCase => ({
    title: `opens a record by ${name} with ${rsa ? `RSA ${rsa}` : type}, again and again`,
    needs: [algorithm(name), unwraps(type, rsa)],
    async body(test) {
      const key = await test.key(name, 'AT_KEYEXCHANGE');
      for (let n = 0; n < 3; n++) await opens(key, await recordFor(key.publicKey, rsa));
      using contentKey = await key.unwrap((await recordFor(key.publicKey, rsa)).record, 0);
      assert.equal(contentKey.length, 32);
    },
  })),
  {
    title: 'opens the SIMPLEBLOB of a classic record',
    needs: [algorithm('RSA'), unwraps('rsa-pkcs1')],
    async body(test) {
      const key = await test.key('RSA', 'AT_KEYEXCHANGE');
      await opens(key, await classicRecordFor(key.publicKey));
    },
  },
  {
    title: 'makes a session key inside, whose SIMPLEBLOB opens as a classic record, byte for byte',
    needs: [SESSION_KEY_BLOBS],
    async body(test) {
      const name = test.capabilities.persisted ? test.name() : null;
      const key = await test.key('RSA', 'AT_KEYEXCHANGE', { name });
      for (const bits of [128, 192, 256] as const) {
        const made = await key.createSessionKeyBlob(bits);
        using sessionKey = made.sessionKey;
        assert.equal(sessionKey.length, bits / 8);
        const record = await classicRecordOf(key.publicKey, sessionKey, made.simpleBlob);
        sameBytes(record.record.parts.simpleBlob!, made.simpleBlob);
        const opener =
          name === null ? key : await (await test.again()).openKey(name, 'AT_KEYEXCHANGE');
        await opens(opener, record);
      }
      await fails('PARAMETER_INVALID', key.createSessionKeyBlob(64 as never));
      const signature = await test.signatureKey();
      await fails('EXPORT_FORBIDDEN', signature.createSessionKeyBlob(256));
    },
  },
  {
    title: 'makes no session keys where it does not claim to (NTE_NOT_SUPPORTED)',
    needs: [NO_SESSION_KEY_BLOBS],
    async body(test) {
      await fails('NOT_SUPPORTED', (await test.exchangeKey()).createSessionKeyBlob(256));
    },
  },
  ...WAYS.map(([name, type, rsa]): ProviderCase => ({
    title: `has one answer to what another key must open, by ${name} with ${rsa ?? type}`,
    needs: [algorithm(name), unwraps(type, rsa)],
    async body(test) {
      const key = await test.key(name, 'AT_KEYEXCHANGE');
      const other = await test.key(name, 'AT_KEYEXCHANGE');
      const messages = new Set<string>();
      for (let n = 0; n < 3; n++) {
        const { record } = await recordFor(other.publicKey, rsa);
        const error = await failureOf(key.unwrap(record, 0));
        assert.equal(error.code, 'KEY_UNWRAP_FAILED');
        messages.add(JSON.stringify(error));
      }
      assert.equal(messages.size, 1);
    },
  })),
  {
    title: 'refuses what is no verified record, and a recipient that is not there',
    async body(test) {
      const key = await test.exchangeKey();
      const { record } = await recordFor(key.publicKey);
      const { parts } = record;
      const forged = Object.assign(Object.create(VerifiedKeyRecord.prototype) as object, { parts });
      for (const wrong of [parts.bytes, { parts }, forged, undefined])
        await fails('PARAMETER_INVALID', key.unwrap(wrong as never, 0));
      for (const recipient of [1, -1, 0.5, Number.NaN])
        await fails('PARAMETER_INVALID', key.unwrap(record, recipient));
    },
  },
  {
    title: 'refuses a recipient of another kind of key',
    needs: [algorithm('RSA'), algorithm('ECDH_P256')],
    async body(test) {
      const rsa = await test.key('RSA', 'AT_KEYEXCHANGE');
      const ec = await test.key('ECDH_P256', 'AT_KEYEXCHANGE');
      await fails('PARAMETER_INVALID', rsa.unwrap((await recordFor(ec.publicKey)).record, 0));
      await fails('PARAMETER_INVALID', ec.unwrap((await recordFor(rsa.publicKey)).record, 0));
    },
  },
  {
    title: 'refuses to unwrap with a key whose usage forbids it (NTE_BAD_KEY_STATE)',
    async body(test) {
      const signature = await test.signatureKey();
      const exchange = await test.exchangeKey();
      const { record } = await recordFor(exchange.publicKey);
      await fails('EXPORT_FORBIDDEN', signature.unwrap(record, 0));
      if (!test.capabilities.algorithms.includes('RSA')) return;
      const properties = { keyUsage: ['sign'] as const };
      const key = await test.key('RSA', 'AT_KEYEXCHANGE', { properties });
      const forKey = await recordFor(key.publicKey);
      await fails('EXPORT_FORBIDDEN', key.unwrap(forKey.record, 0));
    },
  },
];

function unwraps(type: WrappedKey['type'], rsa?: RsaWrap): Need {
  const hash = rsa === 'oaep-sha1' ? 'sha1' : 'sha256';
  return {
    label: type === 'rsa-oaep' ? `${type} with ${hash}` : type,
    isMet: (capabilities) =>
      capabilities.unwraps.includes(type) &&
      (type !== 'rsa-oaep' || capabilities.oaepHashes.includes(hash)),
  };
}

async function opens(key: PersistedKey, { record, keyId, sessionKey }: TestRecord): Promise<void> {
  using opened = await openKeyRecord(record, { exchangeKeys: [{ key, keyId }] });
  sameBytes(opened.bytes, sessionKey);
}

async function failureOf(work: Promise<unknown>): Promise<KeyStoreError> {
  try {
    await work;
  } catch (error) {
    if (KeyStoreError.is(error)) return error;
    throw error;
  }
  return assert.fail('it did not fail');
}
