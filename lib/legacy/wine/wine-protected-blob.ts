/**
 * Opens what Wine's CryptProtectData made. Source: Wine 8 and 10, dlls/crypt32/protectdata.c.
 *
 *     key = CryptDeriveKey(3DES, SHA1(user name, ANSI, with its null ‖ "I'm hunting wabbits" ‖ salt ‖ entropy)); CBC, zero IV, PKCS#5
 *
 * There is no secret in it but the entropy: whoever can read the blob and knows the account's name can open it.
 */
import { createHash } from 'node:crypto';
import { ALG_ID } from '../../blobs/alg-id.ts';
import { encodeUtf8, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { decodeWineProtectBlob } from '../../windows-files/wine-protect-blob.ts';
import { capiDecrypt } from '../cipher.ts';
import { cryptDeriveKey } from '../derive-key.ts';

/**
 * Opens a blob of Wine's CryptProtectData.
 *
 * @param blob - Wine's, not that of Windows: `isWineProtectBlob` tells them apart.
 * @param userName - The account's, as `wine whoami` says it; its bytes in Wine's ANSI code page where it is not Latin-1. Case counts.
 * @param entropy - pOptionalEntropy of CryptProtectData; none for the key pairs of containers.
 * @returns What CryptProtectData was given, which the caller disposes of.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID).
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), without a cause, for another name, another entropy, a blob that was changed;
 *   PARAMETER_INVALID for a name with characters beyond Latin-1.
 * @example
 * ```ts
 * using secret = await openWineProtectedBlob(await readFile('protected.bin'), 'ada');
 * ```
 */
export async function openWineProtectedBlob(
  blob: Uint8Array,
  userName: string | Uint8Array,
  entropy: Uint8Array = new Uint8Array(),
): Promise<SecretBytes> {
  const { salt, ciphertext, fingerprint } = decodeWineProtectBlob(blob);
  const name = typeof userName === 'string' ? latin1(userName) : userName;
  const hash = createHash('sha1').update(name).update(NULL).update(MAGIC).update(salt);
  const value = hash.update(entropy).digest();
  try {
    using key = await cryptDeriveKey(
      { hashAlgId: ALG_ID.CALG_SHA1, value },
      { algId: ALG_ID.CALG_3DES },
    );
    using plaintext = SecretBytes.take(await capiDecrypt(key, ciphertext));
    const digest = createHash('sha1').update(plaintext.bytes).digest();
    if (!equalBytes(digest, fingerprint)) throw new KeyStoreError('KEY_UNWRAP_FAILED');
    return SecretBytes.copy(plaintext.bytes);
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'LEGACY_DECRYPTION_FAILED')
      throw new KeyStoreError('KEY_UNWRAP_FAILED');
    throw error;
  } finally {
    value.fill(0);
  }
}

/** Of these characters every ANSI code page of the West has the same bytes. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0)!;
    if (code > 0xff)
      throw new KeyStoreError(
        'PARAMETER_INVALID',
        'userName: give its bytes in the ANSI code page, without a null',
      );
    return code;
  });
}

const NULL = Uint8Array.of(0);
const MAGIC = encodeUtf8("I'm hunting wabbits");
