/**
 * PrivateKeyInfo, the frame of PKCS#8 (RFC 5208 section 5), and what newer writers put into it (RFC 5958 section 2).
 *
 *   PrivateKeyInfo ::= SEQUENCE { version 0, AlgorithmIdentifier, privateKey OCTET STRING, attributes [0] SET OPTIONAL }
 *   OneAsymmetricKey: version 1 where publicKey [1] BIT STRING follows
 */
import { derValue, type DerPart } from '../bytes/der-layout.ts';
import { DerReader } from '../bytes/der-reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../bytes/der-tags.ts';
import { integer } from '../bytes/der-writer.ts';

/** The parts of a PrivateKeyInfo: cursors over the input. */
export interface PrivateKeyInfo {
  /** Contents of the AlgorithmIdentifier. */
  readonly algorithm: DerReader;
  /** Contents of the OCTET STRING. */
  readonly privateKey: DerReader;
  /** Whether there are attributes: Windows writes what the key is for. */
  readonly hasAttributes: boolean;
}

/**
 * Reads the frame; its attributes and a public key of RFC 5958 are passed over.
 *
 * @throws BlobFormatError BLOB_MALFORMED for anything else; NOT_SUPPORTED for EncryptedPrivateKeyInfo.
 */
export function readPrivateKeyInfo(der: Uint8Array): PrivateKeyInfo {
  const outer = new DerReader(der, 'PrivateKeyInfo');
  const info = outer.enter(TAG.SEQUENCE, 'PrivateKeyInfo');
  outer.end();
  const version = info.integer('version', { max: 1 });
  const algorithm = info.enter(TAG.SEQUENCE, 'algorithm');
  const privateKey = info.enter(TAG.OCTET_STRING, 'privateKey');
  const hasAttributes = info.peek() === ATTRIBUTES;
  if (hasAttributes) info.read(ATTRIBUTES, 'attributes');
  if (version === 1 && info.peek() === PUBLIC_KEY) info.read(PUBLIC_KEY, 'publicKey');
  info.end();
  return { algorithm, privateKey, hasAttributes };
}

/** Lays out a PrivateKeyInfo, version 0, without attributes. */
export function privateKeyInfo(algorithm: DerPart, privateKey: DerPart): DerPart {
  return derValue(TAG.SEQUENCE, V0, algorithm, derValue(TAG.OCTET_STRING, privateKey));
}

const V0 = integer(0);
const ATTRIBUTES = contextConstructed(0);
const PUBLIC_KEY = contextPrimitive(1);
