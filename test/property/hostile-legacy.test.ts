/** What opens the blobs and keys of CryptoAPI, against bytes that nobody checked: each failure is a KeyStoreError, none is OpenSSL's. */
import * as fc from 'fast-check';
import { generateKeyPairSync } from 'node:crypto';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import { decodeKeyPair } from '../../lib/key-pairs/decode.ts';
import { encodeKeyPair } from '../../lib/key-pairs/encode.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { importCapiKey } from '../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../lib/legacy/cipher.ts';
import { openEncryptedPrivateKeyBlob } from '../../lib/legacy/encrypted-private-key-blob.ts';
import { openPvk, sealPvk } from '../../lib/legacy/pvk.ts';
import { capiRsaDecrypt, capiRsaEncrypt } from '../../lib/legacy/rsa-encryption.ts';
import { capiSign, capiVerify } from '../../lib/legacy/signature.ts';
import {
  readNullKeySimpleBlob,
  unwrapSimpleBlob,
  wrapSimpleBlob,
} from '../../lib/legacy/simple-blob.ts';
import { unwrapSymmetricWrapBlob, wrapSymmetricWrapBlob } from '../../lib/legacy/symmetric-wrap.ts';
import { codeOfAsync } from '../support/errors.ts';
import { hostileBytes } from '../support/hostile-bytes.ts';

const NUM_RUNS = process.env['SLOW'] === '1' ? 20_000 : 500;
const TIMEOUT = process.env['SLOW'] === '1' ? 1_800_000 : 180_000;

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
const sessionKey = importCapiKey(ALG_ID.CALG_3DES, new Uint8Array(24).fill(1));
const wrapped = { algId: ALG_ID.CALG_3DES, key: sessionKey.key };
const simpleBlob = wrapSimpleBlob(publicKey, wrapped);
const message = SecretBytes.copy(new Uint8Array(8));
const signed = { hashAlgId: ALG_ID.CALG_SHA1, data: message.bytes };
const [rsaKeys, dsaKeys] = [privateKey, dsa.privateKey].map((key) => {
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  const { pair } = decodeKeyPair(pkcs8);
  return [pkcs8, encodeKeyPair(pair, 'PRIVATEKEYBLOB'), encodeKeyPair(pair, 'PUBLICKEYBLOB')];
});
const [, privateBlob] = rsaKeys!;
const password = new Uint8Array(4);
const encryptedBlob = Uint8Array.of(
  ...privateBlob!.subarray(0, 8),
  ...(await capiEncrypt(sessionKey, privateBlob!.subarray(8))),
);

interface Opener {
  readonly samples: readonly Uint8Array[];
  readonly open: (bytes: Uint8Array) => unknown;
}

const OPENERS: Readonly<Record<string, Opener>> = {
  unwrapSimpleBlob: { samples: [simpleBlob], open: (bytes) => unwrapSimpleBlob(bytes, privateKey) },
  readNullKeySimpleBlob: {
    samples: [simpleBlob],
    open: (bytes) => readNullKeySimpleBlob(bytes) ?? refuse(),
  },
  unwrapSymmetricWrapBlob: {
    samples: [await wrapSymmetricWrapBlob(sessionKey, { ...wrapped, key: wrapped.key.bytes })],
    open: (bytes) => unwrapSymmetricWrapBlob(bytes, sessionKey),
  },
  openEncryptedPrivateKeyBlob: {
    samples: [encryptedBlob],
    open: (bytes) => openEncryptedPrivateKeyBlob(bytes, [sessionKey]),
  },
  openPvk: {
    samples: [await sealPvk(privateBlob!, { keySpec: 1, password, protection: 'weak' })],
    open: (bytes) => openPvk(bytes, password),
  },
  capiRsaDecrypt: {
    samples: [capiRsaEncrypt(publicKey, message)],
    open: (bytes) => capiRsaDecrypt(privateKey, bytes),
  },
  'unwrapSimpleBlob, of the key': {
    samples: rsaKeys!.slice(0, 2),
    open: (bytes) => unwrapSimpleBlob(simpleBlob, bytes),
  },
  'wrapSimpleBlob, of the key': {
    samples: rsaKeys!,
    open: (bytes) => wrapSimpleBlob(bytes, wrapped),
  },
  'capiSign, of the key': {
    samples: [rsaKeys![1]!, dsaKeys![1]!],
    open: (bytes) => capiSign(bytes, signed),
  },
  'capiVerify, of the key': {
    samples: [...rsaKeys!, ...dsaKeys!],
    open: (bytes) => capiVerify(bytes, signed, new Uint8Array(40)),
  },
};

describe.each(Object.entries(OPENERS))('%s', (_, { samples, open }) => {
  test(
    'fails with KeyStoreError alone',
    async () => {
      const codes = new Set<string>();
      const attempt = async (bytes: Uint8Array): Promise<void> => {
        // An async function: what is thrown at once is a rejection too.
        const code = await codeOfAsync((async () => open(bytes))());
        expect(code).toMatch(/^(?:none|[A-Z_]+)$/);
        codes.add(code);
      };
      await fc.assert(fc.asyncProperty(hostileBytes(samples), attempt), { numRuns: NUM_RUNS });
      expect([...codes].some((code) => code !== 'none')).toBe(true);
    },
    TIMEOUT,
  );
});

/** What is not a block in the clear is told by undefined. */
function refuse(): never {
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}
