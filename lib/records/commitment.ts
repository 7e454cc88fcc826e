/** commitment and bind: which key a record holds, and that whoever signed it knew that key (DESIGN section 4). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { encodeUtf8, plainBytes } from '../bytes/octets.ts';
import { encodeKeyMetadata, withBind, withoutBind, type KeyMetadata } from '../cms/metadata.ts';
import type { Signer } from '../cms/signed-data.ts';
import { KeyStoreError } from '../errors.ts';
import { hkdfExpand, hkdfExtract } from '../kdf/hkdf.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';

/** Shorter keys could be found by searching for the one that fits a published commitment. */
export const SEARCHABLE_BELOW = 16;
const COMMITMENT_INFO = encodeUtf8('keycask commitment v1');
const BIND_INFO = encodeUtf8('keycask bind v1');

/** A session key and, in an envelope record, the content-encryption key that it was sealed under. */
export interface CommittedKey {
  readonly sessionKey: SecretBytes;
  readonly contentKey?: SecretBytes;
}

/** Metadata before it is bound to its key and signer. */
export type UnboundMetadata = Omit<KeyMetadata, 'commitment' | 'bind'>;

/** DER of the metadata with commitment and bind; a classic record of a searchable key carries neither. */
export function encodeBoundMetadata(
  key: CommittedKey,
  metadata: UnboundMetadata,
  signerPublicKey: Uint8Array,
): Uint8Array {
  using prk = extract(key, metadata.recordId);
  if (!prk) return encodeKeyMetadata(metadata);
  const committed = encodeKeyMetadata({ commitment: commitmentOf(prk), ...metadata });
  return withBind(committed, bindOf(prk, committed, signerPublicKey));
}

/** What a record says of its key, and who signed it. */
export interface Commitment {
  readonly metadata: KeyMetadata;
  /** DER of the metadata as it was signed. */
  readonly metadataDer: Uint8Array;
  readonly signer: Pick<Signer, 'publicKey'>;
}

/** The commitment that every record of a key with this id has; undefined for searchable keys, whose records' own keys go into it. */
export function commitmentFor(
  sessionKey: SecretBytes,
  recordId: Uint8Array,
): Uint8Array | undefined {
  if (sessionKey.length < SEARCHABLE_BELOW) return undefined;
  using prk = hkdfExtract('sha256', sessionKey.bytes, recordId);
  return commitmentOf(prk);
}

/**
 * Checks that an unwrapped key is the one that the record was signed for, and that its signer knew it.
 *
 * @throws KeyStoreError KEY_COMMITMENT_MISMATCH (NTE_BAD_KEY) for either.
 */
export function checkCommitment(key: CommittedKey, record: Commitment): void {
  const { recordId, commitment, bind } = record.metadata;
  using prk = extract(key, recordId);
  if (!prk) {
    if (commitment) throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
    return;
  }
  if (!commitment || !bind) throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
  const same = timingSafeEqual(commitment, commitmentOf(prk));
  const wanted = bindOf(prk, withoutBind(record.metadataDer), record.signer.publicKey);
  if (!timingSafeEqual(bind, wanted) || !same) throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
}

/** HKDF-Extract, salted by the record id: of the session key, or for a searchable one of content-encryption key ‖ session key. */
function extract(
  { sessionKey, contentKey }: CommittedKey,
  recordId: Uint8Array,
): SecretBytes | undefined {
  if (sessionKey.length >= SEARCHABLE_BELOW)
    return hkdfExtract('sha256', sessionKey.bytes, recordId);
  if (!contentKey) return undefined;
  using both = new SecretBytes(contentKey.length + sessionKey.length);
  both.bytes.set(contentKey.bytes);
  both.bytes.set(sessionKey.bytes, contentKey.length);
  return hkdfExtract('sha256', both.bytes, recordId);
}

function commitmentOf(prk: SecretBytes): Uint8Array {
  using derived = hkdfExpand('sha256', prk, COMMITMENT_INFO, DIGEST_LENGTH);
  return derived.bytes.slice(); // public from here on
}

/** @param committed - DER of the metadata without bind. */
function bindOf(prk: SecretBytes, committed: Uint8Array, signerPublicKey: Uint8Array): Uint8Array {
  using key = hkdfExpand('sha256', prk, BIND_INFO, DIGEST_LENGTH);
  const signer = createHash('sha256').update(signerPublicKey).digest();
  return plainBytes(createHmac('sha256', key.bytes).update(committed).update(signer).digest());
}

const DIGEST_LENGTH = 32;
