/**
 * A checkpoint: the statement that a log has so many leaves and this root, signed as one of keycask's own messages.
 *
 *   Checkpoint ::= SEQUENCE { version INTEGER (1), logId OCTET STRING (16), size INTEGER (1..), root OCTET STRING (32) }
 *
 * The message is a SignedData of eContentType checkpoint over it (docs/formats/signed-log.md), which `openssl cms -verify` reads.
 */
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../bytes/der-writer.ts';
import { copyBytes, equalBytes, toHex } from '../bytes/octets.ts';
import type { FindSigner, Signer } from '../cms/signed-data.ts';
import { KeyStoreError } from '../errors.ts';
import { signedMessage, type SigningIdentity } from '../messages/sign-message.ts';
import { verifyMessage } from '../messages/verify-message.ts';
import { HASH_LENGTH } from './merkle-hash.ts';
import type { TreeHead } from './proofs.ts';
import { MAX_TREE_SIZE } from './tree-size.ts';

/** What is signed. */
export interface CheckpointContent extends TreeHead {
  /** Which log: 16 random bytes that it was given when it was made. */
  readonly logId: Uint8Array;
}

/** A checkpoint whose signature was verified. */
export interface Checkpoint extends CheckpointContent {
  /** What its signer says, to the second. */
  readonly signingTime: Date;
  /** The pin that it was verified by. */
  readonly signer: Signer;
  /** The whole message. */
  readonly bytes: Uint8Array;
}

/** Whose checkpoint a reader accepts. */
export interface CheckpointTrust {
  /** 16 bytes. */
  readonly logId: Uint8Array;
  /** The pin of a key identifier; throws BLOB_SIGNER_NOT_TRUSTED where there is none. */
  readonly findSigner: FindSigner<Signer>;
}

const VERSION = integer(1);
/** Bytes of a log's name. */
const LOG_ID = { min: 16, max: 16 };
const ROOT = { min: HASH_LENGTH, max: HASH_LENGTH };

export function encodeCheckpoint({ logId, size, root }: CheckpointContent): Uint8Array {
  return sequence(VERSION, octetString(logId), integer(size), octetString(root));
}

/** @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED */
export function decodeCheckpoint(der: Uint8Array): CheckpointContent {
  const outer = new DerReader(der, 'Checkpoint');
  const r = outer.enter(TAG.SEQUENCE, 'Checkpoint');
  outer.end();
  r.expect(VERSION, 'version', 'BLOB_VERSION_UNSUPPORTED');
  const logId = r.octets('logId', LOG_ID);
  const size = r.integer('size', { min: 1, max: MAX_TREE_SIZE });
  const root = r.octets('root', ROOT);
  r.end();
  return { logId, size, root };
}

/**
 * Verifies a checkpoint: what an auditor does who has only the public key.
 *
 * @throws KeyStoreError BLOB_TOO_LARGE, BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED, BLOB_SIGNER_NOT_TRUSTED, BLOB_ALGORITHM_UNSUPPORTED, BLOB_SIGNATURE_INVALID, LOG_MISPLACED where it is of another log.
 */
export function verifyCheckpoint(
  bytes: Uint8Array,
  { logId, findSigner }: CheckpointTrust,
): Checkpoint {
  const { message, signer } = verifyMessage(bytes, ['checkpoint'], findSigner);
  const content = decodeCheckpoint(message.content);
  if (!equalBytes(content.logId, logId))
    throw new KeyStoreError('LOG_MISPLACED', `this is a checkpoint of log ${toHex(content.logId)}`);
  const { signingTime } = message;
  return { ...content, signingTime, signer, bytes: copyBytes(bytes) };
}

/**
 * Signs a checkpoint, and verifies it as its readers will: a wrong one at the head would keep everybody from building on it.
 *
 * @throws KeyStoreError PARAMETER_INVALID, what `identity.sign` throws, and what {@link verifyCheckpoint} throws.
 */
export async function signCheckpoint(
  content: CheckpointContent,
  { identity, clock }: LogAuthor,
  findSigner: FindSigner<Signer>,
): Promise<Checkpoint> {
  const message = {
    type: 'checkpoint',
    content: encodeCheckpoint(content),
    signingTime: clock(),
  } as const;
  const bytes = await signedMessage(identity, message);
  return verifyCheckpoint(bytes, { logId: content.logId, findSigner });
}

/** Who signs checkpoints, and when. */
export interface LogAuthor {
  /** Its certificate is part of each checkpoint. */
  readonly identity: SigningIdentity;
  /** Tells the signing time. */
  readonly clock: () => Date;
}
