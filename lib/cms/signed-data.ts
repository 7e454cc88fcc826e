/**
 * SignedData (RFC 5652 section 5) in the one shape of everything that keycask signs.
 *
 *   ContentInfo { id-signedData, [0] SEQUENCE {
 *     version 3, digestAlgorithms { one }, encapContentInfo { eContentType, [0] OCTET STRING },
 *     certificates [0] { the signing certificate },
 *     signerInfos { SEQUENCE { version 3, [0] subjectKeyIdentifier, digestAlgorithm, [0] signedAttrs, signatureAlgorithm, signature } } } }
 *   signedAttrs: contentType, messageDigest, signingTime, and in a key record keycask-metadata; no unsignedAttrs
 */
import { DerReader } from '../bytes/der-reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../bytes/der-tags.ts';
import {
  assemble,
  cmsTime,
  context,
  contextOctets,
  integer,
  NULL,
  octetString,
  sequence,
  setOf,
  tlv,
} from '../bytes/der-writer.ts';
import { compareBytes, copyBytes, equalBytes } from '../bytes/octets.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import type { SignatureScheme } from './algorithms.ts';
import { OID } from './oids.ts';

/** What a message is: its eContentType. Each reader accepts only its own. */
export type MessageType = (typeof MESSAGE_TYPES)[number];
const MESSAGE_TYPES = [
  'contentInfo',
  'keyBlob',
  'trust',
  'manifestEntry',
  'report',
  'checkpoint',
] as const;

/** A trusted signer: what a pin holds, and all that verification needs. */
export interface Signer {
  /** Subject key identifier, 20 bytes. */
  readonly keyId: Uint8Array;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** DER of its certificate. */
  readonly certificate: Uint8Array;
}

/** What is signed besides the content. */
export interface SignedAttributes {
  readonly type: MessageType;
  /** Digest of eContent under the scheme's hash. */
  readonly messageDigest: Uint8Array;
  /** To the second. */
  readonly signingTime: Date;
  /** DER of keycask-metadata; in key records only. */
  readonly metadata?: Uint8Array;
}

export interface SignedMessage extends SignedAttributes {
  readonly content: Uint8Array;
  readonly scheme: SignatureScheme;
  /** DER SET OF, as it is signed (RFC 5652 section 5.4). */
  readonly signedAttributes: Uint8Array;
  readonly signature: Uint8Array;
}

/** The largest message that is looked at: a record with 64 RSA-4096 recipients is under 50 KiB. */
export const MAX_MESSAGE = 1 << 20;
/** RSA-16384. */
const MAX_SIGNATURE = 2048;

const V3 = integer(3);
const SHA256 = sequence(OID.sha256);
const SHA384 = sequence(OID.sha384);
const PSS_HASH = sequence(OID.sha256, NULL);
const SCHEMES: Record<
  SignatureScheme,
  { readonly digest: Uint8Array; readonly signature: Uint8Array }
> = {
  'rsa-pkcs1-sha256': { digest: SHA256, signature: sequence(OID.sha256WithRsa, NULL) },
  'rsa-pss-sha256': {
    digest: SHA256, // RFC 4056: hash, MGF1 with it, salt of its length
    signature: sequence(
      OID.rsassaPss,
      sequence(
        context(0, PSS_HASH),
        context(1, sequence(OID.mgf1, PSS_HASH)),
        context(2, integer(32)),
      ),
    ),
  },
  'ecdsa-sha256': { digest: SHA256, signature: sequence(OID.ecdsaWithSha256) },
  'ecdsa-sha384': { digest: SHA384, signature: sequence(OID.ecdsaWithSha384) },
};
/** AlgorithmIdentifier of each scheme: certificates carry it too. */
export const SIGNATURE_ALGORITHM: Readonly<Record<SignatureScheme, Uint8Array>> = {
  'rsa-pkcs1-sha256': SCHEMES['rsa-pkcs1-sha256'].signature,
  'rsa-pss-sha256': SCHEMES['rsa-pss-sha256'].signature,
  'ecdsa-sha256': SCHEMES['ecdsa-sha256'].signature,
  'ecdsa-sha384': SCHEMES['ecdsa-sha384'].signature,
};
const SCHEME_NAMES = Object.keys(SCHEMES) as SignatureScheme[];

/** DER of the SET OF signed attributes: what is signed. */
export function encodeSignedAttributes({
  type,
  messageDigest,
  signingTime,
  metadata,
}: SignedAttributes): Uint8Array {
  return assemble(() => {
    const attributes = [
      sequence(OID.contentType, setOf(OID[type])),
      sequence(OID.messageDigest, setOf(octetString(messageDigest))),
      sequence(OID.signingTime, setOf(cmsTime(signingTime))),
    ];
    if (metadata) attributes.push(sequence(OID.metadata, setOf(metadata)));
    return setOf(...attributes);
  });
}

export interface SignedDataParts {
  readonly type: MessageType;
  readonly content: Uint8Array;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  /** From {@link encodeSignedAttributes}. */
  readonly signedAttributes: Uint8Array;
  readonly signature: Uint8Array;
}

export function encodeSignedData(parts: SignedDataParts): Uint8Array {
  const { type, content, signer, scheme, signedAttributes, signature } = parts;
  const { digest, signature: signatureAlgorithm } = SCHEMES[scheme];
  return assemble(() => {
    const implicitAttributes = copyBytes(signedAttributes);
    implicitAttributes[0] = contextConstructed(0);
    const signerInfo = sequence(
      V3,
      contextOctets(0, signer.keyId),
      digest,
      implicitAttributes,
      signatureAlgorithm,
      octetString(signature),
    );
    const contentInfo = sequence(OID[type], context(0, octetString(content)));
    const signedData = sequence(
      V3,
      tlv(TAG.SET, digest),
      contentInfo,
      context(0, signer.certificate),
      tlv(TAG.SET, signerInfo),
    );
    return sequence(OID.signedData, context(0, signedData));
  });
}

/** Finds the pin of a signer, or throws BLOB_SIGNER_NOT_TRUSTED. */
export type FindSigner<S extends Signer> = (keyId: Uint8Array, certificate: Uint8Array) => S;

/**
 * Reads a message in the order of DESIGN section 4: size, outer DER, sid, signer pinned, certificate equals the pin, strict rest.
 * The digest and the signature are still to be checked (messages/).
 *
 * @param types - The message types that this reader accepts.
 */
export function decodeSignedData<S extends Signer>(
  der: Uint8Array,
  types: readonly MessageType[],
  findSigner: FindSigner<S>,
): { message: SignedMessage; signer: S } {
  if (der.length > MAX_MESSAGE)
    throw new BlobFormatError(
      {
        format: 'ContentInfo',
        field: 'length',
        offset: 0,
        problem: `want at most ${MAX_MESSAGE} bytes, got ${der.length}`,
      },
      'BLOB_TOO_LARGE',
    );
  // A copy: what was verified must not change when the caller uses its buffer again.
  const outer = readOuter(copyBytes(der));
  const { certificate } = outer;
  // Annotated, so that the compiler knows that fail() does not return.
  const digestAlgorithms: DerReader = outer.digestAlgorithms;
  const eContentInfo: DerReader = outer.eContentInfo;
  const signerInfo: DerReader = outer.signerInfo;
  signerInfo.expect(V3, 'signerInfo.version');
  const keyId = signerInfo.octets('sid', { min: 20, max: 20, tag: contextPrimitive(0) });
  const signer = findSigner(keyId, certificate);
  if (!equalBytes(certificate, signer.certificate))
    throw new KeyStoreError('BLOB_SIGNATURE_INVALID', 'the certificate is not the pinned one');

  const type = types.find((candidate) => eContentInfo.accept(OID[candidate]));
  if (!type) eContentInfo.fail('eContentType', `want ${types.join(' or ')}`);
  const explicit = eContentInfo.enter(contextConstructed(0), 'eContent');
  eContentInfo.end();
  const content = explicit.read(TAG.OCTET_STRING, 'eContent');
  explicit.end();

  const digest = signerInfo.element(TAG.SEQUENCE, 'digestAlgorithm');
  const signedAttributes = copyBytes(signerInfo.element(contextConstructed(0), 'signedAttrs'));
  signedAttributes[0] = TAG.SET;
  const algorithm = signerInfo.element(TAG.SEQUENCE, 'signatureAlgorithm');
  const scheme = SCHEME_NAMES.find((name) => equalBytes(SCHEMES[name].signature, algorithm));
  if (!scheme)
    signerInfo.fail(
      'signatureAlgorithm',
      'not one that the profile has',
      'BLOB_ALGORITHM_UNSUPPORTED',
    );
  if (!equalBytes(digest, SCHEMES[scheme].digest))
    signerInfo.fail('digestAlgorithm', 'not that of the signature algorithm');
  digestAlgorithms.expect(digest, 'digestAlgorithms').end();
  const signature = signerInfo.octets('signature', { min: 8, max: MAX_SIGNATURE });
  signerInfo.end();
  return {
    message: {
      content,
      scheme,
      signedAttributes,
      signature,
      ...readSignedAttributes(signedAttributes, [type]),
    },
    signer,
  };
}

interface SignedDataReaders {
  readonly digestAlgorithms: DerReader;
  readonly eContentInfo: DerReader;
  readonly certificate: Uint8Array;
  readonly signerInfo: DerReader;
}

/** The parts of SignedData in their order; nothing inside them is believed yet. */
function readOuter(der: Uint8Array): SignedDataReaders {
  const outer = new DerReader(der, 'SignedData');
  const info = outer.enter(TAG.SEQUENCE, 'ContentInfo');
  outer.end();
  const explicit = info
    .expect(OID.signedData, 'contentType')
    .enter(contextConstructed(0), 'content');
  info.end();
  const signedData = explicit.enter(TAG.SEQUENCE, 'SignedData');
  explicit.end();
  const digestAlgorithms = signedData.expect(V3, 'version').enter(TAG.SET, 'digestAlgorithms');
  const eContentInfo = signedData.enter(TAG.SEQUENCE, 'encapContentInfo');
  const certificate = signedData.read(contextConstructed(0), 'certificates');
  const signerInfos = signedData.enter(TAG.SET, 'signerInfos');
  signedData.end();
  const signerInfo = signerInfos.enter(TAG.SEQUENCE, 'signerInfo');
  signerInfos.end();
  return { digestAlgorithms, eContentInfo, certificate, signerInfo };
}

/**
 * Reads signed attributes as they are signed: DER of the SET OF. For whoever is asked to sign them, and has the rest of the message not.
 *
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for any but those that {@link encodeSignedAttributes} writes.
 */
export function decodeSignedAttributes(der: Uint8Array): SignedAttributes {
  const attributes = readSignedAttributes(der, MESSAGE_TYPES);
  // A second encoding of the same attributes, or bytes after them.
  if (!equalBytes(encodeSignedAttributes(attributes), der))
    throw new BlobFormatError({
      format: 'SignedAttributes',
      field: 'signedAttrs',
      offset: 0,
      problem: 'not in canonical form',
    });
  return attributes;
}

function readSignedAttributes(der: Uint8Array, types: readonly MessageType[]): SignedAttributes {
  const set: DerReader = new DerReader(der, 'SignedAttributes').enter(TAG.SET, 'signedAttrs');
  let messageDigest: Uint8Array | undefined;
  let signingTime: Date | undefined;
  let metadata: Uint8Array | undefined;
  let type: MessageType | undefined;
  let previous: Uint8Array | undefined;
  while (set.peek() !== -1) {
    const encoding = set.element(TAG.SEQUENCE, 'attribute');
    if (previous && compareBytes(previous, encoding) >= 0)
      set.fail('signedAttrs', 'not in DER order');
    previous = encoding;
    const attribute = new DerReader(encoding, 'SignedAttributes').enter(TAG.SEQUENCE, 'attribute');
    const kind = attribute.element(TAG.OBJECT_IDENTIFIER, 'attrType');
    const value = attribute.enter(TAG.SET, 'attrValues');
    attribute.end();
    // Ascending order admits two values of one attribute type: each is taken once.
    if (equalBytes(kind, OID.messageDigest) && !messageDigest)
      messageDigest = value.octets('messageDigest', { min: 32, max: 48 });
    else if (equalBytes(kind, OID.signingTime) && !signingTime) signingTime = readTime(value);
    else if (equalBytes(kind, OID.metadata) && !metadata)
      metadata = value.element(TAG.SEQUENCE, 'keycask-metadata');
    else if (equalBytes(kind, OID.contentType) && !type) type = readType(value, types);
    else set.fail('attrType', 'not an attribute of the profile');
    value.end();
  }
  if (!messageDigest || !signingTime || !type) set.fail('signedAttrs', 'an attribute is missing');
  const isRecord = type === 'contentInfo' || type === 'keyBlob';
  if (isRecord !== (metadata !== undefined))
    set.fail('keycask-metadata', isRecord ? 'missing' : 'not in this kind of message');
  return { type, messageDigest, signingTime, ...(metadata && { metadata }) };
}

function readType(value: DerReader, types: readonly MessageType[]): MessageType {
  const [only] = types;
  if (types.length === 1 && only) {
    value.expect(OID[only], 'contentType');
    return only;
  }
  const found = types.find((candidate) => value.accept(OID[candidate]));
  return found ?? value.fail('contentType', `want ${types.join(' or ')}`);
}

function readTime(value: DerReader): Date {
  if (value.peek() === TAG.UTC_TIME) return value.time('signingTime', TAG.UTC_TIME);
  const time = value.time('signingTime', TAG.GENERALIZED_TIME);
  // RFC 5652 section 11.3: one encoding for each year.
  if (time.getUTCFullYear() >= 1950 && time.getUTCFullYear() < 2050)
    value.fail('signingTime', 'want UTCTime through 2049');
  return time;
}
