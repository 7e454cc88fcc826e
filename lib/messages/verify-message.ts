/** Verifying one of keycask's own messages: pinned signer, strict form, digest, signature. */
import { createHash } from 'node:crypto';
import { equalBytes } from '../bytes/octets.ts';
import { schemeHash } from '../cms/algorithms.ts';
import {
  decodeSignedData,
  type FindSigner,
  type MessageType,
  type SignedMessage,
  type Signer,
} from '../cms/signed-data.ts';
import { KeyStoreError } from '../errors.ts';
import { verifySignature } from '../keys/signature.ts';

/**
 * Reads a message and checks that a trusted signer made it.
 *
 * @param types - The message types that this reader accepts; any other is BLOB_MALFORMED.
 * @param findSigner - The pin of a key identifier; throws BLOB_SIGNER_NOT_TRUSTED where there is none.
 * @throws KeyStoreError BLOB_TOO_LARGE, BLOB_MALFORMED, BLOB_SIGNER_NOT_TRUSTED, BLOB_ALGORITHM_UNSUPPORTED, BLOB_SIGNATURE_INVALID (NTE_BAD_SIGNATURE).
 */
export function verifyMessage<S extends Signer>(
  bytes: Uint8Array,
  types: readonly MessageType[],
  findSigner: FindSigner<S>,
): { message: SignedMessage; signer: S } {
  const decoded = decodeSignedData(bytes, types, findSigner);
  const { message, signer } = decoded;
  const digest = createHash(schemeHash(message.scheme)).update(message.content).digest();
  const fits =
    equalBytes(digest, message.messageDigest) &&
    verifySignature(signer.publicKey, message.scheme, message.signedAttributes, message.signature);
  if (!fits) throw new KeyStoreError('BLOB_SIGNATURE_INVALID');
  return decoded;
}

/** A FindSigner that knows a fixed list of pins. */
export function findAmong<S extends Signer>(signers: readonly S[]): FindSigner<S> {
  return (keyId) => {
    const signer = signers.find((pin) => equalBytes(pin.keyId, keyId));
    if (!signer) throw new KeyStoreError('BLOB_SIGNER_NOT_TRUSTED');
    return signer;
  };
}
