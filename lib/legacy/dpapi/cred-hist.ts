/**
 * Walks CREDHIST: a user's password opens the hashes of the one before it, those open the next. Source: jordanbtucker/dpapick credhist.py;
 * mimikatz kull_m_dpapi.c; verified with a file of four entries.
 *
 *   secret = SHA-1 ‖ NT hash ‖ zeros to a whole block; there is no MAC, the zeros are what shows that a key fits
 */
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { decodeCredHist, type CredHistEntry } from '../../windows-files/cred-hist.ts';
import { decryptSection } from './open-section.ts';
import { passwordWrong, userPreKeys, type UserSecret } from './pre-key.ts';

/** Hashes of one former password. */
export interface FormerPassword {
  /** Which entry: master key files name it. */
  readonly guid: string;
  readonly sid: string;
  /** 20 bytes: opens master keys as `{ sha1, sid }`. */
  readonly sha1: SecretBytes;
  /** 16 bytes: opens master keys as `{ ntHash, sid }`. */
  readonly ntHash: SecretBytes;
}

/** Former passwords of a user. Disposing of it wipes all hashes. */
export interface OpenedCredHist extends Disposable {
  /** Newest first: the password before the current one, then the one before that. */
  readonly passwords: readonly FormerPassword[];
  /** Older entries whose key did not fit, because the file was changed or lacks one. */
  readonly closed: number;
}

/**
 * Opens a CREDHIST file with the password that a user has now.
 *
 * @param file - `Protect\CREDHIST`.
 * @param secret - The current password (UTF-16LE, without a null), or its SHA-1 or NT hash. The caller still owns, and wipes, it.
 * @returns The former passwords' hashes, which the caller disposes of.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); KeyStoreError PASSWORD_WRONG (NTE_INCORRECT_PASSWORD); ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID);
 * PARAMETER_INVALID for a hash of another length; MODULE_MISSING where MD4 is due and koffi is not there.
 * @example
 * ```ts
 * using former = await openCredHist(await readFile('CREDHIST'), { password });
 * const [{ sha1, sid }] = former.passwords;
 * ```
 */
export async function openCredHist(file: Uint8Array, secret: UserSecret): Promise<OpenedCredHist> {
  const entries = decodeCredHist(file).entries.toReversed();
  const passwords: FormerPassword[] = [];
  const wipe = (): void => passwords.forEach(dispose);
  try {
    for (const entry of entries) {
      const newer = passwords.at(-1);
      const opened = newer ? await openWithFormer(entry, newer) : await openEntry(entry, secret);
      if (!opened) break;
      passwords.push(opened);
    }
    if (passwords.length === 0 && entries.length > 0) throw passwordWrong();
  } catch (error) {
    wipe();
    throw error;
  }
  const closed = entries.length - passwords.length;
  return { passwords, closed, [Symbol.dispose]: wipe };
}

async function openWithFormer(
  entry: CredHistEntry,
  { sha1, ntHash }: FormerPassword,
): Promise<FormerPassword | undefined> {
  return (
    (await openEntry(entry, { sha1: sha1.bytes })) ?? openEntry(entry, { ntHash: ntHash.bytes })
  );
}

async function openEntry(
  entry: CredHistEntry,
  secret: UserSecret,
): Promise<FormerPassword | undefined> {
  const { guid, sid, sha1Length, ntHashLength, ciphertext } = entry;
  // md4Len counts the zeros too: 20 where seen.
  if (sha1Length !== SHA1_LENGTH || ntHashLength < NT_HASH_LENGTH) return undefined;
  for await (const candidate of userPreKeys(secret, sid)) {
    using preKey = candidate;
    using plaintext = await decryptSection(entry, preKey.key.bytes, ciphertext);
    if (plaintext === undefined || plaintext.length <= HASHES_LENGTH) return undefined;
    const { bytes } = plaintext;
    if (bytes.subarray(HASHES_LENGTH).some((byte) => byte !== 0)) continue;
    const sha1 = SecretBytes.copy(bytes.subarray(0, SHA1_LENGTH));
    return {
      guid,
      sid,
      sha1,
      ntHash: SecretBytes.copy(bytes.subarray(SHA1_LENGTH, HASHES_LENGTH)),
    };
  }
  return undefined;
}

function dispose({ sha1, ntHash }: FormerPassword): void {
  sha1.dispose();
  ntHash.dispose();
}

const SHA1_LENGTH = 20;
const NT_HASH_LENGTH = 16;
const HASHES_LENGTH = SHA1_LENGTH + NT_HASH_LENGTH;
