/** PRIVATEKEYBLOBs under session keys: our own vectors of the documented rule, every cipher, mode and padding, one failure. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { equalBytes, toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { rsaPrivateKeyToBlob } from '../../../lib/keys/rsa-key-blob.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { importCapiKey, type CapiKey } from '../../../lib/legacy/capi-key.ts';
import { capiEncrypt, type CapiMode } from '../../../lib/legacy/cipher.ts';
import {
  openEncryptedPrivateKeyBlob,
  type PrivateKeyBlobEncryption,
} from '../../../lib/legacy/encrypted-private-key-blob.ts';
import { hex } from '../../support/bytes.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

interface EncryptedVector {
  readonly name: string;
  readonly alg: string;
  readonly key: string;
  readonly salt: string;
  readonly privatekeyblob_plain: string;
  readonly privatekeyblob_encrypted: string;
}

const ALGORITHMS: Readonly<Record<string, number>> = {
  '3des': ALG_ID.CALG_3DES,
  des: ALG_ID.CALG_DES,
  aes128: ALG_ID.CALG_AES_128,
  aes192: ALG_ID.CALG_AES_192,
  aes256: ALG_ID.CALG_AES_256,
  rc2: ALG_ID.CALG_RC2,
  rc4: ALG_ID.CALG_RC4,
};

describeShared('private keys encrypted as Microsoft documents it', () => {
  const { vectors } = sharedJson('vectors/encrypted-privatekeyblob-unverified.json') as {
    readonly vectors: readonly EncryptedVector[];
  };

  test('open with the key, and with its bytes alone', async () => {
    const tally = new Tally();
    for (const vector of vectors) {
      const algId = ALGORITHMS[vector.alg]!;
      const blob = hex(vector.privatekeyblob_encrypted);
      using key = importCapiKey(algId, hex(vector.key));
      for (const candidate of [key, hex(vector.key)]) {
        using opened = await openEncryptedPrivateKeyBlob(blob, [candidate]);
        const isRight =
          toHex(opened.blob.bytes) === vector.privatekeyblob_plain &&
          opened.encryption?.algId === algId &&
          opened.encryption.saltLength === vector.salt.length / 2 &&
          opened.encryption.padding === (vector.alg === 'rc4' ? 'none' : 'pkcs5');
        tally.right(vector.alg, isRight, vector.name);
      }
    }
    expect(tally.counts).toEqual({ '3des': 4, des: 4, aes128: 4, aes256: 4, rc2: 4, rc4: 8 });
  });
});

describe('a PRIVATEKEYBLOB under a session key', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
  const plain = rsaPrivateKeyToBlob(
    privateKey.export({ format: 'der', type: 'pkcs8' }),
    ALG_ID.CALG_RSA_KEYX,
  ).bytes;

  test('tells which of the candidates, which cipher, mode and state it was', async () => {
    const cases: [CapiKey, CapiMode | undefined][] = [
      [importCapiKey(ALG_ID.CALG_DES, count(8)), 'cbc'],
      [importCapiKey(ALG_ID.CALG_3DES_112, count(16)), 'ecb'],
      [importCapiKey(ALG_ID.CALG_3DES, count(24)), 'cfb'],
      [importCapiKey(ALG_ID.CALG_AES_128, count(16)), 'cbc'],
      [importCapiKey(ALG_ID.CALG_AES_192, count(24)), 'ecb'],
      [importCapiKey(ALG_ID.CALG_AES_256, count(32)), 'cfb'],
      [importCapiKey(ALG_ID.CALG_RC2, count(5)), 'cbc'],
      [importCapiKey(ALG_ID.CALG_RC2, count(5), { salt: 'none' }), 'cbc'],
      [importCapiKey(ALG_ID.CALG_RC2, count(16), { effectiveBits: 40 }), 'ecb'],
      [importCapiKey(ALG_ID.CALG_RC2, count(7)), 'cfb'],
      [importCapiKey(ALG_ID.CALG_RC4, count(5)), undefined],
      [importCapiKey(ALG_ID.CALG_RC4, count(5), { salt: 'none' }), undefined],
      [importCapiKey(ALG_ID.CALG_RC4, count(16)), undefined],
    ];
    for (const [key, mode] of cases) {
      const blob = await encrypted(plain, key, { ...(mode && { mode }) });
      const expected: PrivateKeyBlobEncryption = {
        candidate: 2,
        algId: key.algId,
        effectiveBits: key.effectiveBits,
        saltLength: key.salt.length,
        mode,
        padding: mode === undefined ? 'none' : 'pkcs5',
      };
      using secret = SecretBytes.copy(key.key.bytes);
      for (const candidate of [key, secret, key.key.bytes]) {
        const wrong = [count(16, 0x60), importCapiKey(ALG_ID.CALG_3DES, count(24, 0x60))];
        using opened = await openEncryptedPrivateKeyBlob(blob, [...wrong, candidate]);
        expect(equalBytes(opened.blob.bytes, plain)).toBe(true);
        expect(opened.encryption).toEqual(expected);
      }
    }
  });

  test('is read without padding where its body is whole blocks', async () => {
    // 8 bytes after the header of a DSS key are a multiple of 8: 328 at 1024 bits.
    const dss = dssBlob();
    using key = importCapiKey(ALG_ID.CALG_3DES, count(24));
    for (const padding of ['none', 'pkcs5'] as const) {
      const blob = await encrypted(dss, key, { padding });
      expect(blob.length).toBe(padding === 'none' ? 336 : 344);
      using opened = await openEncryptedPrivateKeyBlob(blob, [count(24)]);
      expect([toHex(opened.blob.bytes), opened.encryption?.padding]).toEqual([toHex(dss), padding]);
    }
  });

  test('opens with the mode and IV that are given', async () => {
    const iv = count(16, 0x80);
    using key = importCapiKey(ALG_ID.CALG_AES_128, count(16));
    const blob = await encrypted(plain, key, { mode: 'cbc', iv });
    const other = openEncryptedPrivateKeyBlob(blob, [key]);
    expect(await codeOfAsync(other)).toBe('KEY_UNWRAP_FAILED');
    using opened = await openEncryptedPrivateKeyBlob(blob, [key], { mode: 'cbc', iv });
    expect(equalBytes(opened.blob.bytes, plain)).toBe(true);
  });

  test('is given back as it is where nothing encrypted it', async () => {
    using opened = await openEncryptedPrivateKeyBlob(plain, []);
    expect([equalBytes(opened.blob.bytes, plain), opened.encryption]).toEqual([true, undefined]);
  });

  test('fails in one way where no candidate fits', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_128, count(16));
    using other = importCapiKey(ALG_ID.CALG_AES_128, count(16, 2));
    const blob = await encrypted(plain, key);
    const last = blob.map((byte, i) => (i === blob.length - 1 ? byte ^ 1 : byte));
    const first = blob.map((byte, i) => (i === 8 ? byte ^ 1 : byte));
    const attempts = [
      openEncryptedPrivateKeyBlob(blob, []),
      openEncryptedPrivateKeyBlob(blob, [other]),
      openEncryptedPrivateKeyBlob(blob, [count(16, 2), count(3), count(24)]),
      openEncryptedPrivateKeyBlob(last, [key]),
      openEncryptedPrivateKeyBlob(first, [key]),
      openEncryptedPrivateKeyBlob(blob.subarray(0, -8), [key]),
    ];
    for (const attempt of attempts) {
      const error = await attempt.then(String, (reason: unknown) => reason);
      expect(JSON.stringify(error)).toBe(JSON.stringify(new KeyStoreError('KEY_UNWRAP_FAILED')));
    }
  });

  test('says so where a candidate could not be tried, or the bytes are no such blob', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_128, count(16));
    const blob = await encrypted(plain, key);
    const gone = importCapiKey(ALG_ID.CALG_AES_128, count(16));
    gone[Symbol.dispose]();
    expect([
      await codeOfAsync(openEncryptedPrivateKeyBlob(blob, [gone])),
      await codeOfAsync(openEncryptedPrivateKeyBlob(blob.subarray(0, 20), [key])),
      await codeOfAsync(openEncryptedPrivateKeyBlob(hex(''), [key])),
      await codeOfAsync(openEncryptedPrivateKeyBlob(blob.with(0, 6), [key])),
      await codeOfAsync(openEncryptedPrivateKeyBlob(blob.with(1, 4), [key])),
    ]).toEqual([
      'HANDLE_INVALID',
      'BLOB_MALFORMED',
      'BLOB_MALFORMED',
      'BLOB_MALFORMED',
      'BLOB_VERSION_UNSUPPORTED',
    ]);
    using opened = await openEncryptedPrivateKeyBlob(blob, [gone, key]);
    expect(opened.encryption?.candidate).toBe(1);
  });

  test('shows nothing of the key when it is printed', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_128, count(16));
    using opened = await openEncryptedPrivateKeyBlob(await encrypted(plain, key), [key]);
    expect(JSON.stringify(opened)).not.toContain(toHex(plain.subarray(84, 92)));
    expect(JSON.parse(JSON.stringify(opened))).toMatchObject({ blob: '[SecretBytes]' });
  });
});

async function encrypted(
  blob: Uint8Array,
  key: CapiKey,
  options: Parameters<typeof capiEncrypt>[2] = {},
): Promise<Uint8Array> {
  const body = await capiEncrypt(key, blob.subarray(8), options);
  return Uint8Array.of(...blob.subarray(0, 8), ...body);
}

/** PRIVATEKEYBLOB of DSS, 1024 bits: its layout, with numbers that are none. */
function dssBlob(): Uint8Array {
  const blob = new Uint8Array(336).fill(0x11);
  blob.set(hex('0702 0000 0022 0000 4453 5332 0004 0000'));
  return blob;
}

function count(length: number, start = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => start + i);
}
