/**
 * One entry of the manifest: a change, where it stands in the chain, and the signature over both.
 *
 *   ManifestEntry ::= SEQUENCE { content Content, signingTime GeneralizedTime, scheme ENUMERATED, signature OCTET STRING (8..2048) }
 *   Content ::= SEQUENCE {
 *     version INTEGER (1), storeId OCTET STRING (16), index INTEGER (1..), prev OCTET STRING (32), signerKeyId OCTET STRING (20),
 *     change CHOICE {
 *       put    [0] IMPLICIT SEQUENCE { id OCTET STRING (16), version INTEGER (1..), sha256 OCTET STRING (32), label UTF8String (0..255) },
 *       delete [1] IMPLICIT SEQUENCE { id OCTET STRING (16), version INTEGER (1..) },
 *       trust  [2] IMPLICIT SEQUENCE { version INTEGER (1..), sha256 OCTET STRING (32) },
 *       puts   [3] IMPLICIT SEQUENCE (SIZE (2..256)) OF SEQUENCE { as put } } }
 *   scheme: 1 rsa-pkcs1-sha256, 2 rsa-pss-sha256, 3 ecdsa-sha256, 4 ecdsa-sha384
 *
 * What is signed are the signed attributes that a SignedData of type manifestEntry over Content has, so that an entry is such a
 * message without the parts that every entry has in common (docs/formats/manifest.md).
 */
import { hash } from 'node:crypto';
import { DerReader } from '../../bytes/der-reader.ts';
import { contextConstructed, TAG } from '../../bytes/der-tags.ts';
import {
  context,
  generalizedTime,
  integer,
  octetString,
  sequence,
  utf8String,
} from '../../bytes/der-writer.ts';
import { fromHex, plainBytes, toHex } from '../../bytes/octets.ts';
import type { SignatureScheme } from '../../cms/algorithms.ts';
import { METADATA_LIMITS } from '../../cms/metadata.ts';
import { encodeSignedData, type Signer } from '../../cms/signed-data.ts';
import { KeyStoreError } from '../../errors.ts';
import { verifySignature } from '../../keys/signature.ts';
import {
  attributesOf,
  signatureOf,
  type MessageToSign,
  type SigningIdentity,
} from '../../messages/sign-message.ts';

/** What an entry says has happened. */
export type ManifestChange = RecordPut | RecordsPut | RecordDeleted | TrustChanged;

/** A version of a record that was written. */
export interface WrittenRecord {
  /** 32 lower-case hex digits. */
  readonly id: string;
  readonly version: number;
  /** SHA-256 of the whole record. */
  readonly sha256: Uint8Array;
  /** At most 255 bytes of UTF-8, no control characters. */
  readonly label: string;
}

interface RecordPut extends WrittenRecord {
  readonly kind: 'put';
}

/** Several at once, under one signature: all of them count, or none does. */
interface RecordsPut {
  readonly kind: 'puts';
  /** 2 to {@link MAX_PUTS}, each id once, in the order in which they were made. */
  readonly records: readonly WrittenRecord[];
}

interface RecordDeleted {
  readonly kind: 'delete';
  readonly id: string;
  /** The version that the deletion is: one more than that of the last record. */
  readonly version: number;
}

/** trust.cms was replaced; where it names another signer, that one signs from the next entry on. */
interface TrustChanged {
  readonly kind: 'trust';
  readonly version: number;
  /** SHA-256 of trust.cms. */
  readonly sha256: Uint8Array;
}

/** What is signed. */
export interface ManifestEntryContent {
  /** 16 bytes. */
  readonly storeId: Uint8Array;
  /** Counted from 1. */
  readonly index: number;
  /** SHA-256 of the entry before this one; zeros in the first. */
  readonly prev: Uint8Array;
  /** 20 bytes. */
  readonly signerKeyId: Uint8Array;
  readonly change: ManifestChange;
}

export interface ManifestEntry extends ManifestEntryContent {
  /** To the second. */
  readonly signingTime: Date;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
  /** DER of Content. */
  readonly content: Uint8Array;
  /** DER of the whole entry. */
  readonly der: Uint8Array;
  /** SHA-256 of `der`: what the next entry's `prev` is. */
  readonly hash: Uint8Array;
}

const VERSION = integer(1);
/** Enum zero is "unknown" and always refused. */
const SCHEMES: readonly (SignatureScheme | undefined)[] = [
  undefined,
  'rsa-pkcs1-sha256',
  'rsa-pss-sha256',
  'ecdsa-sha256',
  'ecdsa-sha384',
];
const KINDS = { put: 0, delete: 1, trust: 2, puts: 3 } as const;
/** Records that one entry can list: some 100 KB with the longest labels. */
export const MAX_PUTS = 256;
const SIXTEEN = { min: 16, max: 16 };
const TWENTY = { min: 20, max: 20 };
const DIGEST = { min: 32, max: 32 };
/** RSA-16384. */
const MAX_SIGNATURE = 2048;
/** 48 bits: more entries than a file can hold. */
const MAX_INDEX = 2 ** 48 - 1;

/**
 * Signs an entry.
 *
 * @throws KeyStoreError PARAMETER_INVALID where a field is out of its bounds, INTERNAL where the key made a signature that does not verify; what `identity.sign` throws.
 */
export async function signManifestEntry(
  identity: SigningIdentity,
  fields: ManifestEntryContent,
  signingTime: Date,
): Promise<ManifestEntry> {
  const content = encodeContent(fields);
  const { scheme } = identity;
  const { signature } = await signatureOf(identity, messageOf(content, signingTime));
  const entry = readBack(
    sequence(
      content,
      generalizedTime(signingTime),
      integer(SCHEMES.indexOf(scheme), TAG.ENUMERATED),
      octetString(signature),
    ),
  );
  // A wrong signature would stay at the head for ever: nobody could build on it.
  if (!isSignedBy(entry, identity))
    throw new KeyStoreError('INTERNAL', 'the signature key made a signature that does not verify');
  return entry;
}

/**
 * Reads an entry. Its signature is still to be checked ({@link isSignedBy}).
 *
 * @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED.
 */
export function decodeManifestEntry(der: Uint8Array): ManifestEntry {
  const outer = new DerReader(der, 'ManifestEntry');
  const r = outer.enter(TAG.SEQUENCE, 'ManifestEntry');
  outer.end();
  const content = r.element(TAG.SEQUENCE, 'content');
  const signingTime = r.time('signingTime');
  const scheme =
    SCHEMES[r.integer('scheme', { min: 1, max: SCHEMES.length - 1, tag: TAG.ENUMERATED })]!;
  const signature = r.octets('signature', { min: 8, max: MAX_SIGNATURE });
  r.end();
  return {
    ...decodeContent(content),
    signingTime,
    scheme,
    signature,
    content,
    der,
    hash: plainBytes(hash('sha256', der, 'buffer')),
  };
}

/** Does the signature fit, and is it this signer's? */
export function isSignedBy(entry: ManifestEntry, signer: Signer): boolean {
  const { content, scheme, signature, signingTime } = entry;
  const attributes = attributesOf(scheme, messageOf(content, signingTime));
  return (
    toHex(entry.signerKeyId) === toHex(signer.keyId) &&
    verifySignature(signer.publicKey, scheme, attributes, signature)
  );
}

/** The entry as a message that stands alone: DER of ContentInfo(SignedData), which `openssl cms -verify` reads. */
export function manifestEntryMessage(entry: ManifestEntry, signer: Signer): Uint8Array {
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

function messageOf(content: Uint8Array, signingTime: Date): MessageToSign {
  return { type: 'manifestEntry', content, signingTime };
}

/** What cannot be read must not be written. */
function readBack(der: Uint8Array): ManifestEntry {
  try {
    return decodeManifestEntry(der);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError('PARAMETER_INVALID', error.message);
  }
}

function encodeContent({ storeId, index, prev, signerKeyId, change }: ManifestEntryContent) {
  return sequence(
    VERSION,
    octetString(storeId),
    integer(index),
    octetString(prev),
    octetString(signerKeyId),
    context(KINDS[change.kind], ...encodeChange(change)),
  );
}

function encodeChange(change: ManifestChange): Uint8Array[] {
  switch (change.kind) {
    case 'put':
      return encodeRecord(change);
    case 'puts':
      return change.records.map((record) => sequence(...encodeRecord(record)));
    case 'delete':
      return [octetString(idBytes(change.id)), integer(change.version)];
    case 'trust':
      return [integer(change.version), octetString(change.sha256)];
  }
}

function encodeRecord({ id, version, sha256, label }: WrittenRecord): Uint8Array[] {
  return [octetString(idBytes(id)), integer(version), octetString(sha256), utf8String(label)];
}

function idBytes(id: string): Uint8Array {
  const bytes = fromHex(id);
  if (!bytes) throw new KeyStoreError('PARAMETER_INVALID', 'an id is 32 lower-case hex digits');
  return bytes;
}

function decodeContent(der: Uint8Array): ManifestEntryContent {
  const r = new DerReader(der, 'ManifestEntry').enter(TAG.SEQUENCE, 'content');
  r.expect(VERSION, 'version', 'BLOB_VERSION_UNSUPPORTED');
  const storeId = r.octets('storeId', SIXTEEN);
  const index = r.integer('index', { min: 1, max: MAX_INDEX });
  const prev = r.octets('prev', DIGEST);
  const signerKeyId = r.octets('signerKeyId', TWENTY);
  const change = decodeChange(r);
  r.end();
  return { storeId, index, prev, signerKeyId, change };
}

function decodeChange(content: DerReader): ManifestChange {
  const tag = content.peek();
  if (tag === contextConstructed(KINDS.put))
    return { kind: 'put', ...decodeRecord(content.enter(tag, 'put')) };
  if (tag === contextConstructed(KINDS.puts))
    return { kind: 'puts', records: decodeRecords(content.enter(tag, 'puts')) };
  if (tag === contextConstructed(KINDS.delete)) {
    const r = content.enter(tag, 'delete');
    const id = toHex(r.octets('id', SIXTEEN));
    const version = r.integer('version', { min: 1 });
    r.end();
    return { kind: 'delete', id, version };
  }
  const r = content.enter(contextConstructed(KINDS.trust), 'trust');
  const version = r.integer('version', { min: 1 });
  const sha256 = r.octets('sha256', DIGEST);
  r.end();
  return { kind: 'trust', version, sha256 };
}

function decodeRecords(list: DerReader): WrittenRecord[] {
  const records: WrittenRecord[] = [];
  const ids = new Set<string>();
  while (list.peek() !== -1) {
    if (records.length === MAX_PUTS) list.fail('puts', `want at most ${MAX_PUTS} records`);
    const record = decodeRecord(list.enter(TAG.SEQUENCE, 'puts'));
    if (ids.has(record.id)) list.fail('puts', 'an id comes twice');
    ids.add(record.id);
    records.push(record);
  }
  // One record is a `put`: there is one encoding of everything.
  if (records.length < 2) list.fail('puts', 'want at least two records');
  return records;
}

function decodeRecord(r: DerReader): WrittenRecord {
  const id = toHex(r.octets('id', SIXTEEN));
  const version = r.integer('version', { min: 1 });
  const sha256 = r.octets('sha256', DIGEST);
  const label = r.utf8('label', { max: METADATA_LIMITS.label });
  r.end();
  return { id, version, sha256, label };
}
