/** The records of known answers: every input is fixed, and RSA PKCS#1 v1.5 signatures are deterministic, so every byte is. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { encodeSimpleBlob } from '../../lib/blobs/simple-blob.ts';
import { encodeUtf8, toHex } from '../../lib/bytes/octets.ts';
import { encodeCertificate, encodeTbsCertificate } from '../../lib/cms/certificate.ts';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { wrapRsaPkcs1 } from '../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { signMessage } from '../../lib/keys/signature.ts';
import type { SigningIdentity } from '../../lib/messages/sign-message.ts';
import type { UnboundMetadata } from '../../lib/records/commitment.ts';
import { sealClassicRecord, sealKeyRecord } from '../../lib/records/seal.ts';
import type { Names } from '../support/annotated-der.ts';
import { countingRandom } from '../support/bytes.ts';

/** A 2048-bit key that protects nothing: `openssl genrsa 2048`, once. */
export const RSA_KEY = createPrivateKey(
  readFileSync(new URL('rsa-2048.test-key.pem', import.meta.url), 'utf8'),
);
const PUBLIC_KEY = createPublicKey(RSA_KEY);
const SPKI = new Uint8Array(PUBLIC_KEY.export({ type: 'spki', format: 'der' }));
const KEY_ID = keyIdentifier(SPKI);
const NOW = new Date('2026-09-21T14:13:20Z');
export const VECTOR_PASSWORD = 'correct horse battery staple';

const range = (from: number, length: number) => Uint8Array.from({ length }, (_, i) => from + i);
export const VECTOR_KEY = range(0x40, 32);
const RC4_KEY = range(0xa1, 5);
const RECORD_ID = range(0x10, 16);
const STORE_ID = range(0xe0, 16);

export interface KnownRecord {
  /** Its file is `record-NAME.txt`. */
  readonly name: string;
  readonly comment: string;
  readonly bytes: Uint8Array;
  readonly sessionKey: Uint8Array;
  /** Names of its values, for the annotation. */
  readonly names: Names;
}

export async function vectorSigner(): Promise<SigningIdentity> {
  const scheme = 'rsa-pkcs1-sha256';
  const tbs = await encodeTbsCertificate({
    role: 'signature',
    publicKey: SPKI,
    keyId: KEY_ID,
    issuerKeyId: KEY_ID,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    scheme,
  });
  const signature = await signMessage(RSA_KEY, scheme, tbs);
  return {
    keyId: KEY_ID,
    publicKey: SPKI,
    certificate: await encodeCertificate(tbs, scheme, signature),
    scheme,
    sign: ({ scheme: wanted, bytes }) => signMessage(RSA_KEY, wanted, bytes),
  };
}

const metadata = (changes: Partial<UnboundMetadata> = {}): UnboundMetadata => ({
  recordId: RECORD_ID,
  recordVersion: 1,
  label: 'reports',
  purpose: 'files',
  algorithm: ALG_ID.CALG_AES_256,
  effectiveBits: 256,
  created: NOW,
  storeId: STORE_ID,
  provenance: 'generated',
  attributes: [['owner', 'Ω']],
  ...changes,
});

/** What random fills, in the order that it is asked: content-encryption key, then each recipient's own, then the nonce. */
const NAMES: Names = {
  [toHex(KEY_ID)]: 'key identifier: SHA-256 of the key, 20 bytes',
  [toHex(RECORD_ID)]: 'record id',
  [toHex(STORE_ID)]: 'store id',
};

export async function knownRecords(): Promise<KnownRecord[]> {
  const signer = await vectorSigner();
  const options = { signer, signingTime: NOW };
  using key = SecretBytes.copy(VECTOR_KEY);
  using password = SecretBytes.copy(encodeUtf8(VECTOR_PASSWORD));
  using rc4Key = SecretBytes.copy(RC4_KEY);
  const simpleBlob = encodeSimpleBlob({
    algId: ALG_ID.CALG_RC4,
    encryptedKey: wrapRsaPkcs1(PUBLIC_KEY, rc4Key, countingRandom(1)),
  });
  const rc4 = metadata({ algorithm: ALG_ID.CALG_RC4, effectiveBits: 40, provenance: 'imported-unsigned' });
  return [
    {
      name: 'pbkdf2',
      comment: `AES-256 key for the password "${VECTOR_PASSWORD}"; random bytes are 00 01 02 ...`,
      bytes: await sealKeyRecord(key, metadata(), {
        ...options,
        recipients: [{ type: 'password', password, kdf: { type: 'pbkdf2', iterations: 2000 } }],
        random: countingRandom(),
      }),
      sessionKey: VECTOR_KEY,
      names: {
        ...NAMES,
        [toHex(range(0x20, 16))]: 'salt of PBKDF2',
        [toHex(range(0x30, 16))]: 'IV of PWRI-KEK',
        [toHex(range(0x4c, 12))]: 'GCM nonce',
      },
    },
    {
      name: 'rsa-pkcs1',
      comment: 'AES-256 key for the RSA key that also signs, wrapped with PKCS#1 v1.5; random bytes are 00 01 02 ...',
      bytes: await sealKeyRecord(key, metadata({ notAfter: new Date('2031-01-01T00:00:00Z') }), {
        ...options,
        recipients: [{ type: 'public-key', publicKey: SPKI, keyId: KEY_ID, rsa: 'pkcs1' }],
        random: countingRandom(),
      }),
      sessionKey: VECTOR_KEY,
      names: NAMES,
    },
    {
      name: 'classic-rc4-40',
      comment: 'Classic profile: the SIMPLEBLOB of a 40-bit RC4 key, which has neither commitment nor bind',
      bytes: await sealClassicRecord(rc4Key, simpleBlob, rc4, options),
      sessionKey: RC4_KEY,
      names: { ...NAMES, [toHex(simpleBlob)]: 'SIMPLEBLOB' },
    },
  ];
}
