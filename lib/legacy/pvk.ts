/**
 * Private keys in PVK files, opened. Source: the Authenticode tools' files; OpenSSL's "pvkfmt.c" opens the same.
 *
 *   K       = SHA-1(salt ‖ password)
 *   strong    RC4 under K[0:16]
 *   weak      RC4 under K[0:5] ‖ 11 zero bytes, CryptoAPI's default salt for 40 bits
 *
 * All behind the BLOBHEADER is encrypted. Nothing says which of the two it is but the magic of the key that comes out.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { ALG_ID } from '../blobs/alg-id.ts';
import { BLOB_HEADER_LENGTH } from '../blobs/key-blob-header.ts';
import { decodePvk, encodePvk } from '../blobs/pvk.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes, type RandomFill } from '../keys/secret-bytes.ts';
import { importCapiKey, type CapiKey } from './capi-key.ts';
import { capiDecrypt, capiEncrypt } from './cipher.ts';
import { isClearPrivateKey } from './clear-private-key.ts';

/** How a PVK file protects its key: not at all, with RC4 of 40 bits, with RC4 of 128 bits. */
export type PvkProtection = 'none' | 'weak' | 'strong';

/** The key of a PVK file. Disposing of it wipes the key. */
export interface OpenedPvk extends Disposable {
  /** PRIVATEKEYBLOB, in the clear. */
  readonly blob: SecretBytes;
  readonly protection: PvkProtection;
  /** keytype: 1 AT_KEYEXCHANGE, 2 AT_SIGNATURE. */
  readonly keySpec: number;
}

/**
 * Opens a PVK file.
 *
 * @param pvk - The file. The caller still owns, and wipes, it.
 * @param password - Its bytes as Windows had them, in the ANSI code page and without NUL. Not looked at where the file is not encrypted. The
 * caller still owns, and wipes, it.
 * @returns The key, which the caller owns, and disposes of.
 * @throws KeyStoreError PASSWORD_WRONG (NTE_INCORRECT_PASSWORD), without a cause, where neither way gives a private key; PASSWORD_REQUIRED
 * (NTE_SILENT_CONTEXT) without a password for an encrypted file. BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * Of an encrypted file also what {@link capiDecrypt} throws where OpenSSL has no RC4.
 * @example
 * ```ts
 * using opened = await openPvk(await readFile('codesign.pvk'), new TextEncoder().encode('secret'));
 * const privateKey = importLegacyPrivateKey(opened.blob.bytes);
 * ```
 */
export async function openPvk(pvk: Uint8Array, password?: Uint8Array): Promise<OpenedPvk> {
  const { isEncrypted, keyBlob, salt, keySpec } = decodePvk(pvk, { trailing: 'allow' });
  if (!isEncrypted) return opened(SecretBytes.copy(keyBlob), 'none', keySpec);
  if (!password) throw new KeyStoreError('PASSWORD_REQUIRED');
  for (const protection of ['strong', 'weak'] as const) {
    using key = keyOf(protection, salt, password);
    const blob = SecretBytes.copy(keyBlob);
    const body = await capiDecrypt(key, keyBlob.subarray(BLOB_HEADER_LENGTH));
    blob.bytes.set(body, BLOB_HEADER_LENGTH);
    body.fill(0);
    if (isClearPrivateKey(blob.bytes, TOLERANT)) return opened(blob, protection, keySpec);
    blob.dispose();
  }
  throw new KeyStoreError('PASSWORD_WRONG');
}

/** What a test seals, and how. */
export interface SealPvkOptions {
  readonly keySpec: number;
  readonly password: Uint8Array;
  readonly protection: 'weak' | 'strong';
  readonly random?: RandomFill;
}

/** An encrypted PVK file; not exported: to check the reading against. */
export async function sealPvk(
  blob: Uint8Array,
  { keySpec, password, protection, random = randomFillSync }: SealPvkOptions,
): Promise<Uint8Array> {
  const salt = new Uint8Array(SALT_LENGTH);
  random(salt);
  using key = keyOf(protection, salt, password);
  const keyBlob = Uint8Array.from(blob);
  keyBlob.set(await capiEncrypt(key, blob.subarray(BLOB_HEADER_LENGTH)), BLOB_HEADER_LENGTH);
  return encodePvk({ keySpec, encryptedFlag: 1, salt, keyBlob });
}

function opened(blob: SecretBytes, protection: PvkProtection, keySpec: number): OpenedPvk {
  return { blob, protection, keySpec, [Symbol.dispose]: () => blob.dispose() };
}

function keyOf(protection: 'weak' | 'strong', salt: Uint8Array, password: Uint8Array): CapiKey {
  using digest = SecretBytes.take(createHash('sha1').update(salt).update(password).digest());
  return importCapiKey(ALG_ID.CALG_RC4, digest.bytes.subarray(0, KEY_LENGTHS[protection]));
}

/** What Windows reads of a PRIVATEKEYBLOB. */
const TOLERANT = { trailing: 'allow', shortTail: 'allow' } as const;
const KEY_LENGTHS = { strong: 16, weak: 5 } as const;
const SALT_LENGTH = 16;
