/** ECDH with NCryptSecretAgreement; the shared secret stays where the private key is. */
import {
  BCRYPT_ECCPUBLIC_BLOB,
  BCRYPT_SHA256_ALGORITHM,
  BCRYPT_SHA384_ALGORITHM,
} from '../../../native-bindings/bcrypt-constants.ts';
import type { NCrypt } from '../../../native-bindings/ncrypt.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { concatBytes } from '../../bytes/octets.ts';
import { encodeEcSpki } from '../../cms/spki.ts';
import type { EcdhWrappedKey } from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import { unwrapAesKey } from '../../keys/aes-key-wrap.ts';
import { publicKeyToCngBlob } from '../../keys/cng-key-blob.ts';
import { curveOf, type KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';

/** A private key of ECDH, and what it is in. */
export interface AgreementKey {
  readonly ncrypt: NCrypt;
  readonly provider: Handle;
  readonly key: Handle;
  readonly algorithm: KeyAlgorithm;
  /** NCRYPT_SILENT_FLAG. */
  readonly flags: number;
}

/**
 * Unwraps a key: NCryptSecretAgreement, NCryptDeriveKey as X9.63, AES key unwrap.
 *
 * X9.63's KDF is H(Z ‖ 00000001 ‖ SharedInfo), which is BCRYPT_KDF_HASH with the last two as KDF_SECRET_APPEND; one round gives
 * as many bytes as the key-encryption key has, or more.
 *
 * @throws KeyStoreError KEY_UNWRAP_FAILED, or what the calls throw.
 */
export async function unwrapByAgreement(
  { ncrypt, provider, key, algorithm, flags }: AgreementKey,
  wrapped: EcdhWrappedKey,
): Promise<SecretBytes> {
  const curve = curveOf(algorithm);
  if (curve === undefined) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  const sender = publicKeyToCngBlob(encodeEcSpki(curve, wrapped.ephemeralPublicKey), algorithm);
  const publicKey = ncrypt.importKey(provider, BCRYPT_ECCPUBLIC_BLOB, sender);
  try {
    const secret = await ncrypt.secretAgreement(key, publicKey, flags);
    try {
      const derived = await ncrypt.deriveKey(secret, 'HASH', {
        hash: wrapped.hash === 'sha384' ? BCRYPT_SHA384_ALGORITHM : BCRYPT_SHA256_ALGORITHM,
        append: concatBytes(FIRST_ROUND, wrapped.sharedInfo),
      });
      using block = SecretBytes.take(derived);
      return unwrapAesKey(block.bytes.subarray(0, KEK_LENGTH), wrapped.encryptedKey);
    } finally {
      ncrypt.freeObject(secret);
    }
  } finally {
    ncrypt.freeObject(publicKey);
  }
}

/** The counter of X9.63, which begins with 1. */
const FIRST_ROUND = Uint8Array.of(0, 0, 0, 1);
/** aes256-wrap */
const KEK_LENGTH = 32;
