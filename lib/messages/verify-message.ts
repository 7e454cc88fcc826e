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
import { parsePublicKey, verifySignature, type CheckSignature } from '../keys/signature.ts';

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
  const { scheme, signedAttributes, signature } = message;
  const fits =
    hasItsDigest(message) && verifySignature(signer.publicKey, scheme, signedAttributes, signature);
  if (!fits) throw new KeyStoreError('BLOB_SIGNATURE_INVALID');
  return decoded;
}

/** As {@link verifyMessage}, with the signature checked by somebody else: on another core, for example. */
// oxlint-disable-next-line max-params -- those of verifyMessage
export async function verifyMessageBy<S extends Signer>(
  check: CheckSignature,
  bytes: Uint8Array,
  types: readonly MessageType[],
  findSigner: FindSigner<S>,
): Promise<{ message: SignedMessage; signer: S }> {
  const decoded = decodeSignedData(bytes, types, findSigner);
  const { message, signer } = decoded;
  const { scheme, signedAttributes, signature } = message;
  const fits =
    hasItsDigest(message) &&
    // A key that cannot be parsed says so here, as it does there.
    parsePublicKey(signer.publicKey) &&
    (await check(signer.publicKey, scheme, signedAttributes, signature));
  if (!fits) throw new KeyStoreError('BLOB_SIGNATURE_INVALID');
  return decoded;
}

function hasItsDigest({ scheme, content, messageDigest }: SignedMessage): boolean {
  const digest = createHash(schemeHash(scheme)).update(content).digest();
  return equalBytes(digest, messageDigest);
}

/** A FindSigner that knows a fixed list of pins. */
export function findAmong<S extends Signer>(signers: readonly S[]): FindSigner<S> {
  return (keyId) => {
    const signer = signers.find((pin) => equalBytes(pin.keyId, keyId));
    if (!signer) throw new KeyStoreError('BLOB_SIGNER_NOT_TRUSTED');
    return signer;
  };
}
