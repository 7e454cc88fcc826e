/**
 * PKCS8_PRIVATEKEY and PKCS7_ENVELOPE: keys of CNG that are DER. Source: ncrypt.h; MS "NCryptExportKey"; RFC 5958, RFC 5652.
 *
 *  PKCS8_PRIVATEKEY  PrivateKeyInfo           SEQUENCE { version 0 or 1, privateKeyAlgorithm, privateKey OCTET STRING, ... }
 *                    EncryptedPrivateKeyInfo  SEQUENCE { encryptionAlgorithm, encryptedData OCTET STRING }
 *  PKCS7_ENVELOPE    ContentInfo              SEQUENCE { 1.2.840.113549.1.7.3, [0] EnvelopedData }
 *
 * They are told apart here and carried: what stands in them is for the readers of PKCS#8 and CMS.
 */
import { contextConstructed, contextPrimitive, TAG } from '../bytes/der-tags.ts';
import { DerReader } from '../bytes/der-reader.ts';
import { oid } from '../bytes/der-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { refuse } from './cng-number-fields.ts';
import { redacted } from '../bytes/redacted.ts';

/** A private key in PKCS#8, in the clear or encrypted under a password. */
export interface Pkcs8Blob {
  readonly type: 'PKCS8_PRIVATEKEY';
  /** EncryptedPrivateKeyInfo: NCryptImportKey wants its password (NCRYPTBUFFER_PKCS_SECRET). */
  readonly isEncrypted: boolean;
  /** All of it. A secret where it is not encrypted. */
  readonly der: Uint8Array;
}

/** A key enveloped for a certificate. */
export interface Pkcs7EnvelopeBlob {
  readonly type: 'PKCS7_ENVELOPE';
  /** All of it. */
  readonly der: Uint8Array;
}

/**
 * Tells a PrivateKeyInfo from an EncryptedPrivateKeyInfo, and carries it.
 *
 * @returns `der` is a view of `bytes`, which the caller still owns, and wipes.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for anything but DER of either.
 */
export function decodePkcs8Blob(bytes: Uint8Array): Pkcs8Blob {
  const outer = new DerReader(bytes, 'PKCS8_PRIVATEKEY');
  const r = outer.enter(TAG.SEQUENCE, 'PrivateKeyInfo');
  outer.end();
  const isEncrypted = r.peek() !== TAG.INTEGER;
  if (isEncrypted) {
    r.element(TAG.SEQUENCE, 'encryptionAlgorithm');
    r.element(TAG.OCTET_STRING, 'encryptedData');
  } else {
    r.integer('version', { max: 1 });
    r.element(TAG.SEQUENCE, 'privateKeyAlgorithm');
    r.element(TAG.OCTET_STRING, 'privateKey');
    if (r.peek() === ATTRIBUTES) r.element(ATTRIBUTES, 'attributes');
    if (r.peek() === PUBLIC_KEY) r.element(PUBLIC_KEY, 'publicKey');
  }
  r.end();
  return redacted({ type: 'PKCS8_PRIVATEKEY', isEncrypted, der: bytes }, ['der']);
}

/**
 * Writes a PKCS8_PRIVATEKEY back as it was read.
 *
 * @param blob - `type` and `isEncrypted` may be left out.
 * @returns A fresh array that the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for what {@link decodePkcs8Blob} would not read.
 */
export function encodePkcs8Blob({ der }: Pick<Pkcs8Blob, 'der'>): Uint8Array {
  return checked(der, decodePkcs8Blob);
}

/**
 * Recognises CMS EnvelopedData in a ContentInfo, and carries it.
 *
 * @returns `der` is a view of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for anything but DER of it.
 */
export function decodePkcs7EnvelopeBlob(bytes: Uint8Array): Pkcs7EnvelopeBlob {
  const outer = new DerReader(bytes, 'PKCS7_ENVELOPE');
  const r = outer.enter(TAG.SEQUENCE, 'ContentInfo');
  outer.end();
  r.expect(ENVELOPED_DATA, 'contentType');
  const content = r.enter(contextConstructed(0), 'content');
  r.end();
  content.element(TAG.SEQUENCE, 'EnvelopedData');
  content.end();
  return { type: 'PKCS7_ENVELOPE', der: bytes };
}

/**
 * Writes a PKCS7_ENVELOPE back as it was read.
 *
 * @param blob - `type` may be left out.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for what {@link decodePkcs7EnvelopeBlob} would not read.
 */
export function encodePkcs7EnvelopeBlob({ der }: Pick<Pkcs7EnvelopeBlob, 'der'>): Uint8Array {
  return checked(der, decodePkcs7EnvelopeBlob);
}

/** Whether bytes that begin as a SEQUENCE have an object identifier first: ContentInfo. PKCS#8 has a number or a SEQUENCE there. */
export function isContentInfo(bytes: Uint8Array): boolean {
  const r = new DerReader(bytes, 'PKCS8_PRIVATEKEY').enter(TAG.SEQUENCE, 'PrivateKeyInfo');
  return r.peek() === TAG.OBJECT_IDENTIFIER;
}

function checked(der: Uint8Array, decode: (bytes: Uint8Array) => unknown): Uint8Array {
  try {
    decode(der);
  } catch (error) {
    if (KeyStoreError.is(error)) refuse(`der: ${error.message}`);
    throw error;
  }
  return copyBytes(der);
}

/** RFC 5958: attributes [0], publicKey [1]. */
const ATTRIBUTES = contextConstructed(0);
const PUBLIC_KEY = contextPrimitive(1);
/** id-envelopedData */
const ENVELOPED_DATA = oid('1.2.840.113549.1.7.3');
