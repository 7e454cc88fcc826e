/**
 * RecipientInfo (RFC 5652 section 6.2) in the five forms that a key record has.
 *
 *   ktri  SEQUENCE { 2, [0] subjectKeyIdentifier, RSAES-OAEP | rsaEncryption, OCTET STRING }
 *   kari  [1] SEQUENCE { 3, [0] { [1] originatorKey }, dhSinglePass-stdDH-sha256kdf | sha384kdf { aes256-wrap },
 *           SEQUENCE OF { [0] rKeyId { subjectKeyIdentifier }, OCTET STRING } }                                     RFC 5753
 *   pwri  [3] SEQUENCE { 0, [0] Argon2id | PBKDF2, aes256-wrap | PWRI-KEK { aes256-CBC IV }, OCTET STRING }         RFC 3211
 *   Argon2idParams ::= SEQUENCE { salt OCTET STRING, memoryKiB, iterations, parallelism, keyLength INTEGER }
 */
import type { DerReader } from '../bytes/der-reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../bytes/der-tags.ts';
import {
  bitString,
  context,
  contextOctets,
  integer,
  NULL,
  octetString,
  sequence,
} from '../bytes/der-writer.ts';
import type { Curve } from './algorithms.ts';
import {
  encodeArgon2idParameters,
  readArgon2idParameters,
  type Argon2idParameters,
} from './argon2id-parameters.ts';
import { OID } from './oids.ts';
import { POINT_LENGTH } from './spki.ts';

/** The key pair's subject key identifier: 20 bytes in ours; other people's certificates may have others. */
type KeyId = Uint8Array;

export interface RsaOaepRecipient {
  readonly type: 'rsa-oaep';
  readonly keyId: KeyId;
  readonly hash: 'sha1' | 'sha256';
  readonly encryptedKey: Uint8Array;
}

export interface RsaPkcs1Recipient {
  readonly type: 'rsa-pkcs1';
  readonly keyId: KeyId;
  readonly encryptedKey: Uint8Array;
}

export interface EcdhRecipient {
  readonly type: 'ecdh';
  readonly keyId: KeyId;
  readonly curve: Curve;
  /** 04 ‖ X ‖ Y */
  readonly ephemeralPublicKey: Uint8Array;
  /** AES key wrap of the 32-byte content-encryption key: 40 bytes. */
  readonly encryptedKey: Uint8Array;
}

export interface Argon2idRecipient extends Argon2idParameters {
  readonly type: 'argon2id';
  /** AES key wrap of the 32-byte content-encryption key: 40 bytes. */
  readonly encryptedKey: Uint8Array;
}

export interface Pbkdf2Recipient {
  readonly type: 'pbkdf2';
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** IV of the PWRI-KEK wrap: 16 bytes. */
  readonly iv: Uint8Array;
  /** PWRI-KEK wrap of the 32-byte content-encryption key: 48 bytes. */
  readonly encryptedKey: Uint8Array;
}

export type RecipientInfo =
  | RsaOaepRecipient
  | RsaPkcs1Recipient
  | EcdhRecipient
  | Argon2idRecipient
  | Pbkdf2Recipient;

/** Is it opened by a password rather than by a private key? */
export function isPasswordRecipient(
  info: RecipientInfo,
): info is Argon2idRecipient | Pbkdf2Recipient {
  return info.type === 'argon2id' || info.type === 'pbkdf2';
}

/** What a reader accepts from a stranger; what a writer makes is stronger (kdf/). DESIGN section 4. */
export const PBKDF2_BOUNDS = {
  iterations: { min: 1000, max: 10_000_000 },
  salt: { min: 8, max: 64 },
} as const;

const V0 = integer(0);
const V2 = integer(2);
const V3 = integer(3);
const AES256_WRAP = sequence(OID.aes256Wrap);
const WRAPPED_CEK = { min: 40, max: 40 };
const KEY_ID = { min: 1, max: 64 };
/** RSA 1024 (classic records of old containers) to 16384 bits. */
const RSA_BLOCK = { min: 128, max: 2048 };

function oaepAlgorithm(hash: 'sha1' | 'sha256'): Uint8Array {
  if (hash === 'sha1') return sequence(OID.rsaesOaep, sequence()); // RFC 4055 section 4.1: defaults are omitted in DER
  const hashAlgorithm = sequence(OID.sha256, NULL);
  return sequence(
    OID.rsaesOaep,
    sequence(context(0, hashAlgorithm), context(1, sequence(OID.mgf1, hashAlgorithm))),
  );
}

const OAEP = { sha1: oaepAlgorithm('sha1'), sha256: oaepAlgorithm('sha256') };
const RSA_PKCS1 = sequence(OID.rsaEncryption, NULL);
const KARI_ALGORITHM = {
  'P-256': sequence(OID.ecdhSha256Kdf, AES256_WRAP),
  'P-384': sequence(OID.ecdhSha384Kdf, AES256_WRAP),
};
/** OriginatorPublicKey's algorithm: id-ecPublicKey; its parameters are those of the recipient's key (RFC 5753 section 3.1.1). */
const ORIGINATOR_ALGORITHM = sequence(OID.ecPublicKey);
const HMAC_SHA256 = sequence(OID.hmacWithSha256, NULL);

/** DER of ECC-CMS-SharedInfo (RFC 5753 section 7.2): { aes256-wrap, [2] 256 bits }, no user keying material. */
export const ECC_SHARED_INFO = sequence(
  AES256_WRAP,
  context(2, octetString(Uint8Array.of(0, 0, 1, 0))),
);

export function encodeRecipientInfo(recipient: RecipientInfo): Uint8Array {
  switch (recipient.type) {
    case 'rsa-oaep':
      return ktri(recipient, OAEP[recipient.hash]);
    case 'rsa-pkcs1':
      return ktri(recipient, RSA_PKCS1);
    case 'ecdh':
      return context(
        1,
        V3,
        context(0, context(1, ORIGINATOR_ALGORITHM, bitString(recipient.ephemeralPublicKey))),
        KARI_ALGORITHM[recipient.curve],
        sequence(
          sequence(context(0, octetString(recipient.keyId)), octetString(recipient.encryptedKey)),
        ),
      );
    case 'argon2id': {
      return pwri(
        context(0, OID.argon2id, encodeArgon2idParameters(recipient)),
        AES256_WRAP,
        recipient.encryptedKey,
      );
    }
    case 'pbkdf2': {
      const kdf = context(
        0,
        OID.pbkdf2,
        sequence(octetString(recipient.salt), integer(recipient.iterations), HMAC_SHA256),
      );
      const wrap = sequence(OID.pwriKek, sequence(OID.aes256Cbc, octetString(recipient.iv)));
      return pwri(kdf, wrap, recipient.encryptedKey);
    }
  }
}

/** Reads the next RecipientInfo of a RecipientInfos. */
export function readRecipientInfo(reader: DerReader): RecipientInfo {
  switch (reader.peek()) {
    case TAG.SEQUENCE:
      return readKtri(reader.enter(TAG.SEQUENCE, 'ktri'));
    case contextConstructed(1):
      return readKari(reader.enter(contextConstructed(1), 'kari'));
    case contextConstructed(3):
      return readPwri(reader.enter(contextConstructed(3), 'pwri'));
    default:
      return reader.fail('RecipientInfo', 'want ktri, kari or pwri', 'BLOB_ALGORITHM_UNSUPPORTED');
  }
}

function ktri(recipient: RsaOaepRecipient | RsaPkcs1Recipient, algorithm: Uint8Array): Uint8Array {
  return sequence(
    V2,
    contextOctets(0, recipient.keyId),
    algorithm,
    octetString(recipient.encryptedKey),
  );
}

function pwri(kdf: Uint8Array, wrap: Uint8Array, encryptedKey: Uint8Array): Uint8Array {
  return context(3, V0, kdf, wrap, octetString(encryptedKey));
}

function readKtri(r: DerReader): RsaOaepRecipient | RsaPkcs1Recipient {
  r.expect(V2, 'ktri.version');
  const keyId = r.octets('ktri.rid', { tag: contextPrimitive(0), ...KEY_ID });
  if (r.accept(RSA_PKCS1)) {
    const encryptedKey = r.octets('ktri.encryptedKey', RSA_BLOCK);
    r.end();
    return { type: 'rsa-pkcs1', keyId, encryptedKey };
  }
  const hash = r.accept(OAEP.sha1) ? 'sha1' : 'sha256';
  if (hash === 'sha256')
    r.expect(OAEP.sha256, 'ktri.keyEncryptionAlgorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  const encryptedKey = r.octets('ktri.encryptedKey', RSA_BLOCK);
  r.end();
  return { type: 'rsa-oaep', keyId, hash, encryptedKey };
}

function readKari(r: DerReader): EcdhRecipient {
  r.expect(V3, 'kari.version');
  const originator = r.enter(contextConstructed(0), 'kari.originator');
  const originatorKey = originator.enter(contextConstructed(1), 'kari.originatorKey');
  originator.end();
  originatorKey.expect(ORIGINATOR_ALGORITHM, 'kari.originatorKey.algorithm');
  const bits = originatorKey.octets('kari.originatorKey.publicKey', {
    min: 66,
    max: 98,
    tag: TAG.BIT_STRING,
  });
  originatorKey.end();
  const curve: Curve = r.accept(KARI_ALGORITHM['P-256']) ? 'P-256' : 'P-384';
  if (curve === 'P-384')
    r.expect(KARI_ALGORITHM['P-384'], 'kari.keyEncryptionAlgorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  if (bits[0] !== 0 || bits[1] !== 0x04 || bits.length !== POINT_LENGTH[curve] + 1) {
    r.fail('kari.originatorKey.publicKey', `want an uncompressed point of ${curve}`);
  }
  const keys = r.enter(TAG.SEQUENCE, 'kari.recipientEncryptedKeys');
  r.end();
  const key = keys.enter(TAG.SEQUENCE, 'kari.recipientEncryptedKey');
  keys.end();
  const rKeyId = key.enter(contextConstructed(0), 'kari.rKeyId');
  const keyId = rKeyId.octets('kari.subjectKeyIdentifier', KEY_ID);
  rKeyId.end();
  const encryptedKey = key.octets('kari.encryptedKey', WRAPPED_CEK);
  key.end();
  return { type: 'ecdh', keyId, curve, ephemeralPublicKey: bits.subarray(1), encryptedKey };
}

function readPwri(r: DerReader): Argon2idRecipient | Pbkdf2Recipient {
  r.expect(V0, 'pwri.version');
  const kdf = r.enter(contextConstructed(0), 'pwri.keyDerivationAlgorithm');
  if (kdf.accept(OID.argon2id)) {
    const parameters = readArgon2idParameters(kdf);
    kdf.end();
    r.expect(AES256_WRAP, 'pwri.keyEncryptionAlgorithm');
    const encryptedKey = r.octets('pwri.encryptedKey', WRAPPED_CEK);
    r.end();
    return { type: 'argon2id', ...parameters, encryptedKey };
  }
  kdf.expect(OID.pbkdf2, 'pwri.keyDerivationAlgorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  const parameters = kdf.enter(TAG.SEQUENCE, 'PBKDF2-params');
  kdf.end();
  const salt = parameters.octets('PBKDF2-params.salt', PBKDF2_BOUNDS.salt);
  const iterations = parameters.integer('PBKDF2-params.iterationCount', PBKDF2_BOUNDS.iterations);
  parameters.expect(HMAC_SHA256, 'PBKDF2-params.prf', 'BLOB_ALGORITHM_UNSUPPORTED').end();
  const wrap = r
    .enter(TAG.SEQUENCE, 'pwri.keyEncryptionAlgorithm')
    .expect(OID.pwriKek, 'pwri.keyEncryptionAlgorithm');
  const cbc = wrap.enter(TAG.SEQUENCE, 'PWRI-KEK').expect(OID.aes256Cbc, 'PWRI-KEK');
  wrap.end();
  const iv = cbc.octets('PWRI-KEK.iv', { min: 16, max: 16 });
  cbc.end();
  const encryptedKey = r.octets('pwri.encryptedKey', { min: 48, max: 48 });
  r.end();
  return { type: 'pbkdf2', salt, iterations, iv, encryptedKey };
}
