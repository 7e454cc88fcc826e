/** What a key's handle sees to before and after its storage, whichever that is. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyStoreError } from '../../../lib/errors.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { publicKeyOf } from '../../../lib/providers/rules/private-key.ts';
import { defaultProperties } from '../../../lib/providers/rules/key-properties.ts';
import type { KeyStorage, StoredKey } from '../../../lib/providers/rules/key-storage.ts';
import { OpenHandles } from '../../../lib/providers/rules/open-handles.ts';
import { ProviderKey } from '../../../lib/providers/rules/provider-key.ts';
import { classicRecordFor, recordFor } from '../../../lib/testing/provider/test-messages.ts';
import { codeOfAsync } from '../../support/errors.ts';

/** The handle that made an RSA key which may be archived and not exported. */
function madeKey(calls: Partial<StoredKey>): ProviderKey {
  const kind = { algorithm: 'RSA', legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
  const exportPolicy = {
    export: false,
    plaintextExport: false,
    archive: true,
    plaintextArchive: true,
  };
  const properties = { ...defaultProperties(kind, 'none', new Date(0)), exportPolicy };
  const stored = { ...kind, properties, ...calls } as StoredKey;
  const capabilities = { unwraps: ['rsa-oaep', 'rsa-pkcs1'], oaepHashes: ['sha256'] };
  const storage = { capabilities } as unknown as KeyStorage;
  return new ProviderKey({ storage, handles: new OpenHandles(), stored, isOriginal: true });
}

describe('an archive', () => {
  it('is given out once, also to calls at the same time', async () => {
    const key = madeKey({ exportKey: async () => new SecretBytes(1) });
    const archives = [key.exportKey('pkcs8'), key.exportKey('pkcs8')];
    const outcomes = await Promise.allSettled(archives);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
  });

  it('is still to come where it failed', async () => {
    let calls = 0;
    const exportKey = async () => {
      if (++calls === 1) throw new KeyStoreError('CANCELLED');
      return new SecretBytes(1);
    };
    const key = madeKey({ exportKey });
    expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('CANCELLED');
    expect((await key.exportKey('pkcs8')).length).toBe(1);
  });
});

describe('an RSA block', () => {
  const publicKeyWith = (modulusLength: number) =>
    publicKeyOf(generateKeyPairSync('rsa', { modulusLength }).privateKey);
  const [wanted, shorter, longer] = [1536, 1024, 2048].map(publicKeyWith) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  /** Which lengths the storage was given. */
  const given: number[] = [];
  const key = madeKey({
    publicKey: wanted,
    unwrap: async (wrapped) => {
      given.push(wrapped.encryptedKey.length);
      return new SecretBytes(32);
    },
  });

  it('reaches the storage only if it is as long as the modulus', async () => {
    for (const publicKey of [shorter, longer]) {
      for (const { record } of [await recordFor(publicKey), await classicRecordFor(publicKey)])
        expect(await codeOfAsync(key.unwrap(record, 0))).toBe('KEY_UNWRAP_FAILED');
    }
    expect(given).toEqual([]);
    await key.unwrap((await recordFor(wanted)).record, 0);
    await key.unwrap((await classicRecordFor(wanted)).record, 0);
    expect(given).toEqual([192, 192]);
  });
});
