/** commitment and bind: which key a record holds, and that whoever signed it knew that key (DESIGN section 4). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { encodeUtf8 } from '../bytes/octets.ts';
import { encodeKeyMetadata, type KeyMetadata } from '../cms/metadata.ts';
import { KeyStoreError } from '../errors.ts';
import { hkdf } from '../kdf/hkdf.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';

/** Shorter keys could be found by searching for the one that fits a published commitment. */
const SEARCHABLE_BELOW = 16;
const COMMITMENT_INFO = encodeUtf8('keycask commitment v1');
const BIND_INFO = encodeUtf8('keycask bind v1');

/** A session key and, in an envelope record, the content-encryption key that it was sealed under. */
export interface CommittedKey {
  readonly sessionKey: SecretBytes;
  readonly contentKey?: SecretBytes;
}

/** Metadata before it is bound to its key and signer. */
export type UnboundMetadata = Omit<KeyMetadata, 'commitment' | 'bind'>;

/** Adds commitment and bind; a classic record of a searchable key carries neither. */
export function bindMetadata(
  key: CommittedKey,
  metadata: UnboundMetadata,
  signerPublicKey: Uint8Array,
): KeyMetadata {
  using input = keyInput(key);
  if (!input) return metadata;
  const committed = { ...metadata, commitment: commitmentOf(input, metadata.recordId) };
  return { ...committed, bind: bindOf(input, committed, signerPublicKey) };
}

/**
 * Checks that an unwrapped key is the one that the record was signed for, and that its signer knew it.
 *
 * @throws KeyStoreError KEY_COMMITMENT_MISMATCH (NTE_BAD_KEY) for either.
 */
export function checkCommitment(
  key: CommittedKey,
  metadata: KeyMetadata,
  signerPublicKey: Uint8Array,
): void {
  using input = keyInput(key);
  const { commitment, bind, ...unbound } = metadata;
  if (!input) {
    if (commitment) throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
    return;
  }
  if (!commitment || !bind) throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
  const same = timingSafeEqual(commitment, commitmentOf(input, metadata.recordId));
  const bound = timingSafeEqual(bind, bindOf(input, { ...unbound, commitment }, signerPublicKey));
  if (!same || !bound) throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
}

/** HKDF's input: the session key, or for a searchable one content-encryption key ‖ session key. */
function keyInput({ sessionKey, contentKey }: CommittedKey): SecretBytes | undefined {
  if (sessionKey.length >= SEARCHABLE_BELOW) return SecretBytes.copy(sessionKey.bytes);
  if (!contentKey) return undefined;
  const both = new SecretBytes(contentKey.length + sessionKey.length);
  both.bytes.set(contentKey.bytes);
  both.bytes.set(sessionKey.bytes, contentKey.length);
  return both;
}

function commitmentOf(input: SecretBytes, recordId: Uint8Array): Uint8Array {
  using derived = hkdf('sha256', input.bytes, recordId, COMMITMENT_INFO, 32);
  return derived.bytes.slice(); // public from here on
}

function bindOf(
  input: SecretBytes,
  metadata: Omit<KeyMetadata, 'bind'>,
  signerPublicKey: Uint8Array,
): Uint8Array {
  using key = hkdf('sha256', input.bytes, metadata.recordId, BIND_INFO, 32);
  const signer = createHash('sha256').update(signerPublicKey).digest();
  return new Uint8Array(
    createHmac('sha256', key.bytes).update(encodeKeyMetadata(metadata)).update(signer).digest(),
  );
}
