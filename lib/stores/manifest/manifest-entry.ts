/**
 * One entry of the manifest: a change, where it stands in the chain, and the signature over both (signed-entry.ts).
 *
 *   Content ::= SEQUENCE {
 *     version INTEGER (1), storeId OCTET STRING (16), index INTEGER (1..), prev OCTET STRING (32), signerKeyId OCTET STRING (20),
 *     change CHOICE (manifest-change.ts) }
 */
import { hash } from 'node:crypto';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../../bytes/der-writer.ts';
import { plainBytes } from '../../bytes/octets.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import { decodeChange, encodeChange, type ManifestChange } from './manifest-change.ts';
import { decodeSignedEntry, readBack, signEntry, type SignedEntry } from './signed-entry.ts';

export { MAX_PUTS, type ManifestChange, type WrittenRecord } from './manifest-change.ts';
export { isSignedBy, messageOfEntry as manifestEntryMessage } from './signed-entry.ts';

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

export interface ManifestEntry extends ManifestEntryContent, SignedEntry {
  /** SHA-256 of `der`: what the next entry's `prev` is. */
  readonly hash: Uint8Array;
}

const VERSION = integer(1);
const SIXTEEN = { min: 16, max: 16 };
const TWENTY = { min: 20, max: 20 };
const DIGEST = { min: 32, max: 32 };
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
  const der = await signEntry(identity, encodeContent(fields), signingTime);
  return readBack(der, decodeManifestEntry, identity);
}

/**
 * Reads an entry. Its signature is still to be checked ({@link isSignedBy}).
 *
 * @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED.
 */
export function decodeManifestEntry(der: Uint8Array): ManifestEntry {
  const entry = decodeSignedEntry(der, 'ManifestEntry');
  return {
    ...decodeContent(entry.content),
    ...entry,
    hash: plainBytes(hash('sha256', der, 'buffer')),
  };
}

function encodeContent({ storeId, index, prev, signerKeyId, change }: ManifestEntryContent) {
  return sequence(
    VERSION,
    octetString(storeId),
    integer(index),
    octetString(prev),
    octetString(signerKeyId),
    encodeChange(change),
  );
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
