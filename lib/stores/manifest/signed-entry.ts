/**
 * A content with the signature over it: an entry of the manifest, or a leaf of a log.
 *
 *   SEQUENCE { content SEQUENCE, signingTime GeneralizedTime, scheme ENUMERATED, signature OCTET STRING (8..2048) }
 *   scheme: 1 rsa-pkcs1-sha256, 2 rsa-pss-sha256, 3 ecdsa-sha256, 4 ecdsa-sha384
 *
 * What is signed are the signed attributes that a SignedData of type manifestEntry over the content has, so that an entry is such a
 * message without the parts that every entry has in common (docs/formats/manifest.md).
 */
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { generalizedTime, integer, octetString, sequence } from '../../bytes/der-writer.ts';
import { equalBytes } from '../../bytes/octets.ts';
import type { SignatureScheme } from '../../cms/algorithms.ts';
import { encodeSignedData, type Signer } from '../../cms/signed-data.ts';
import { KeyStoreError } from '../../errors.ts';
import { verifySignature } from '../../keys/signature.ts';
import {
  attributesOf,
  signatureOf,
  type MessageToSign,
  type SigningIdentity,
} from '../../messages/sign-message.ts';

/** A content and its signature, which is still to be checked. */
export interface SignedEntry {
  /** DER of the content. */
  readonly content: Uint8Array;
  /** To the second. */
  readonly signingTime: Date;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
  /** DER of the whole. */
  readonly der: Uint8Array;
}

/** Enum zero is "unknown" and always refused. */
const SCHEMES: readonly (SignatureScheme | undefined)[] = [
  undefined,
  'rsa-pkcs1-sha256',
  'rsa-pss-sha256',
  'ecdsa-sha256',
  'ecdsa-sha384',
];
/** RSA-16384. */
const MAX_SIGNATURE = 2048;

/**
 * Signs a content.
 *
 * @param content - DER of a SEQUENCE.
 * @returns DER of the whole.
 * @throws KeyStoreError what `identity.sign` throws.
 */
export async function signEntry(
  identity: SigningIdentity,
  content: Uint8Array,
  signingTime: Date,
): Promise<Uint8Array> {
  const { signature } = await signatureOf(identity, messageOf(content, signingTime));
  return sequence(
    content,
    generalizedTime(signingTime),
    integer(SCHEMES.indexOf(identity.scheme), TAG.ENUMERATED),
    octetString(signature),
  );
}

/** @throws BlobFormatError BLOB_MALFORMED */
export function decodeSignedEntry(der: Uint8Array, format: string): SignedEntry {
  const outer = new DerReader(der, format);
  const r = outer.enter(TAG.SEQUENCE, format);
  outer.end();
  const content = r.element(TAG.SEQUENCE, 'content');
  const signingTime = r.time('signingTime');
  const scheme =
    SCHEMES[r.integer('scheme', { min: 1, max: SCHEMES.length - 1, tag: TAG.ENUMERATED })]!;
  const signature = r.octets('signature', { min: 8, max: MAX_SIGNATURE });
  r.end();
  return { content, signingTime, scheme, signature, der };
}

/** Does the signature fit, and is it this signer's? */
export function isSignedBy(
  entry: SignedEntry & { readonly signerKeyId: Uint8Array },
  signer: Signer,
): boolean {
  const { content, scheme, signature, signingTime } = entry;
  const attributes = attributesOf(scheme, messageOf(content, signingTime));
  return (
    equalBytes(entry.signerKeyId, signer.keyId) &&
    verifySignature(signer.publicKey, scheme, attributes, signature)
  );
}

/** The entry as a message that stands alone: DER of ContentInfo(SignedData), which `openssl cms -verify` reads. */
export function messageOfEntry(entry: SignedEntry, signer: Signer): Uint8Array {
  const { content, scheme, signature, signingTime } = entry;
  return encodeSignedData({
    type: 'manifestEntry',
    content,
    signer,
    scheme,
    signedAttributes: attributesOf(scheme, messageOf(content, signingTime)),
    signature,
  });
}

/**
 * Reads what was just signed, as others will: what cannot be read must not be written, and neither must what nobody can build on.
 *
 * @throws KeyStoreError PARAMETER_INVALID where a field is out of its bounds, INTERNAL where the signature does not verify.
 */
export function readBack<E extends SignedEntry & { readonly signerKeyId: Uint8Array }>(
  der: Uint8Array,
  decode: (der: Uint8Array) => E,
  signer: Signer,
): E {
  const entry = decodeOwn(der, decode);
  if (!isSignedBy(entry, signer))
    throw new KeyStoreError('INTERNAL', 'the signature key made a signature that does not verify');
  return entry;
}

function decodeOwn<E>(der: Uint8Array, decode: (der: Uint8Array) => E): E {
  try {
    return decode(der);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError('PARAMETER_INVALID', error.message);
  }
}

function messageOf(content: Uint8Array, signingTime: Date): MessageToSign {
  return { type: 'manifestEntry', content, signingTime };
}
