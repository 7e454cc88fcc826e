/**
 * Proofs as bytes, for whoever keeps one or hands it on.
 *
 *   InclusionProof   ::= SEQUENCE { version INTEGER (1), kind ENUMERATED (1), index INTEGER, size INTEGER (1..), hashes Hashes }
 *   ConsistencyProof ::= SEQUENCE { version INTEGER (1), kind ENUMERATED (2), olderSize INTEGER, newerSize INTEGER, hashes Hashes }
 *   Hashes ::= SEQUENCE (SIZE (0..49)) OF OCTET STRING (SIZE (32))
 */
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../bytes/der-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { HASH_LENGTH } from './merkle-hash.ts';
import type { ConsistencyProof, InclusionProof } from './proofs.ts';
import { MAX_TREE_SIZE } from './tree-size.ts';

const VERSION = integer(1);
const INCLUSION = integer(1, TAG.ENUMERATED);
const CONSISTENCY = integer(2, TAG.ENUMERATED);
/** A tree is at most 48 high; a consistency proof may begin with the subtree that both trees share. */
const MAX_HASHES = 49;
const HASH = { min: HASH_LENGTH, max: HASH_LENGTH };

/**
 * Writes an inclusion proof.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a number that no tree has.
 */
export function encodeInclusionProof({ index, size, hashes }: InclusionProof): Uint8Array {
  return sequence(VERSION, INCLUSION, integer(index), integer(size), encodeHashes(hashes));
}

/**
 * Reads an inclusion proof. Whether it proves anything, `verifyInclusion` says.
 *
 * @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED
 */
export function decodeInclusionProof(der: Uint8Array): InclusionProof {
  const r = readProof(der, 'InclusionProof', INCLUSION);
  const index = r.integer('index', { max: MAX_TREE_SIZE - 1 });
  const size = r.integer('size', { min: index + 1, max: MAX_TREE_SIZE });
  const hashes = readHashes(r);
  r.end();
  return { index, size, hashes };
}

/**
 * Writes a consistency proof.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a number that no tree has.
 */
export function encodeConsistencyProof(proof: ConsistencyProof): Uint8Array {
  const { olderSize, newerSize, hashes } = proof;
  return sequence(
    VERSION,
    CONSISTENCY,
    integer(olderSize),
    integer(newerSize),
    encodeHashes(hashes),
  );
}

/**
 * Reads a consistency proof. Whether it proves anything, `verifyConsistency` says.
 *
 * @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED
 */
export function decodeConsistencyProof(der: Uint8Array): ConsistencyProof {
  const r = readProof(der, 'ConsistencyProof', CONSISTENCY);
  const olderSize = r.integer('olderSize', { max: MAX_TREE_SIZE });
  const newerSize = r.integer('newerSize', { min: olderSize, max: MAX_TREE_SIZE });
  const hashes = readHashes(r);
  r.end();
  return { olderSize, newerSize, hashes };
}

function readProof(der: Uint8Array, format: string, kind: Uint8Array): DerReader {
  const outer = new DerReader(der, format);
  const r = outer.enter(TAG.SEQUENCE, format);
  outer.end();
  return r.expect(VERSION, 'version', 'BLOB_VERSION_UNSUPPORTED').expect(kind, 'kind');
}

function encodeHashes(hashes: readonly Uint8Array[]): Uint8Array {
  return sequence(...hashes.map((hash) => octetString(hash)));
}

function readHashes(r: DerReader): Uint8Array[] {
  const list = r.enter(TAG.SEQUENCE, 'hashes');
  const hashes: Uint8Array[] = [];
  while (list.peek() !== -1) {
    if (hashes.length === MAX_HASHES) list.fail('hashes', `want at most ${MAX_HASHES}`);
    hashes.push(copyBytes(list.octets('hash', HASH)));
  }
  return hashes;
}
