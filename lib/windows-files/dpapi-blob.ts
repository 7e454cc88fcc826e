/**
 * What CryptProtectData makes. Source: fortra/impacket dpapi.py DPAPI_BLOB; gentilkiwi/mimikatz kull_m_dpapi.h; samples of Windows XP to 10.
 *
 *  size field              meaning
 *     4 dwVersion          1
 *    16 guidProvider       df9d8cd0-1501-11d1-8c7a-00c04fc297eb
 *     4 dwMasterKeyVersion 1; dwSign covers all from here
 *    16 guidMasterKey      which master key file opens it
 *     4 dwFlags            {@link DPAPI_FLAG}
 *   4+n szDescription      UTF-16 with its null
 *     4 algCrypt           ALG_ID: CALG_3DES, CALG_AES_256
 *     4 dwAlgCryptLen      bits; 168 for 3DES in Windows XP
 *   4+n pbSalt
 *   4+n pbStrong           empty where seen
 *     4 algHash            ALG_ID: CALG_SHA1, CALG_SHA_512
 *     4 dwAlgHashLen       bits
 *   4+n pbHmac             a nonce of dwSign
 *   4+n pbData             ciphertext; dwSign covers all to here
 *   4+n pbSign
 *
 * Wine writes the same fields with another mark in place of the provider: that is no DPAPI blob.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import {
  endFile,
  readGuid,
  readSized,
  readSizedText,
  sizedText,
  writeGuid,
  writeSized,
  type DecodeFileOptions,
} from './fields.ts';

/** A DPAPI blob, closed. */
export interface DpapiBlob {
  /** dwMasterKeyVersion */
  readonly masterKeyVersion: number;
  /** guidMasterKey as text: the name of the master key's file. */
  readonly masterKeyGuid: string;
  /** dwFlags: {@link DPAPI_FLAG} */
  readonly flags: number;
  /** szDescription, in the language of the Windows that wrote it; absent where its length is 0. */
  readonly description?: string;
  /** algCrypt, an ALG_ID */
  readonly cryptAlgId: number;
  /** dwAlgCryptLen */
  readonly cryptBits: number;
  /** pbSalt, which the key is derived with. */
  readonly salt: Uint8Array;
  /** pbStrong */
  readonly strong: Uint8Array;
  /** algHash, an ALG_ID */
  readonly hashAlgId: number;
  /** dwAlgHashLen */
  readonly hashBits: number;
  /** pbHmac, which the sign is computed with. */
  readonly hmac: Uint8Array;
  /** pbData */
  readonly ciphertext: Uint8Array;
  /** pbSign */
  readonly sign: Uint8Array;
}

/** dwFlags of a DPAPI blob. Source: dpapi.h; mimikatz. */
export const DPAPI_FLAG = {
  CRYPTPROTECT_UI_FORBIDDEN: 0x1,
  CRYPTPROTECT_LOCAL_MACHINE: 0x4,
  CRYPTPROTECT_CRED_SYNC: 0x8,
  CRYPTPROTECT_AUDIT: 0x10,
  CRYPTPROTECT_NO_RECOVERY: 0x20,
  CRYPTPROTECT_VERIFY_PROTECTION: 0x40,
  CRYPTPROTECT_CRED_REGENERATE: 0x80,
  CRYPTPROTECT_SYSTEM: 0x20000000,
} as const;

/** guidProvider of the one provider that there is. */
export const DPAPI_PROVIDER_GUID = 'df9d8cd0-1501-11d1-8c7a-00c04fc297eb';

/**
 * Reads a DPAPI blob, without opening it.
 *
 * Source: impacket dpapi.py, mimikatz kull_m_dpapi.h.
 *
 * @param bytes - The blob and nothing else, unless `options.trailing` is `allow`.
 * @returns Byte strings are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also for what Wine protects; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * const { masterKeyGuid, description } = decodeDpapiBlob(bytes);
 * ```
 */
export function decodeDpapiBlob(bytes: Uint8Array, options: DecodeFileOptions = {}): DpapiBlob {
  const r = new BlobReader(bytes, 'DPAPI blob');
  const version = r.u32le('dwVersion');
  if (version !== VERSION)
    r.failAt(0, 'dwVersion', `want 1, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const provider = readGuid(r, 'guidProvider');
  if (provider !== DPAPI_PROVIDER_GUID)
    r.failAt(4, 'guidProvider', `want ${DPAPI_PROVIDER_GUID}, got ${provider}`);
  const masterKeyVersion = r.u32le('dwMasterKeyVersion');
  const masterKeyGuid = readGuid(r, 'guidMasterKey');
  const flags = r.u32le('dwFlags');
  const description = readSizedText(r, 'szDescription');
  const cryptAlgId = r.u32le('algCrypt');
  const cryptBits = r.u32le('dwAlgCryptLen');
  const salt = readSized(r, 'pbSalt');
  const strong = readSized(r, 'pbStrong');
  const hashAlgId = r.u32le('algHash');
  const hashBits = r.u32le('dwAlgHashLen');
  const hmac = readSized(r, 'pbHmac');
  const ciphertext = readSized(r, 'pbData');
  const sign = readSized(r, 'pbSign');
  endFile(r, options);
  return {
    masterKeyVersion,
    masterKeyGuid,
    flags,
    ...(description !== undefined && { description }),
    cryptAlgId,
    cryptBits,
    salt,
    strong,
    hashAlgId,
    hashBits,
    hmac,
    ciphertext,
    sign,
  };
}

/**
 * Writes a DPAPI blob back as it was read.
 *
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a `masterKeyGuid` that is no GUID.
 * @example
 * ```ts
 * const same = encodeDpapiBlob(decodeDpapiBlob(bytes));
 * ```
 */
export function encodeDpapiBlob(blob: DpapiBlob): Uint8Array {
  const w = new BlobWriter(signedEnd(blob) + 4 + blob.sign.length);
  writeSigned(w, blob);
  return writeSized(w, blob.sign).finish();
}

/** What pbSign covers: from dwMasterKeyVersion to the end of pbData. */
export function signedPartOf(blob: DpapiBlob): Uint8Array {
  return writeSigned(new BlobWriter(signedEnd(blob)), blob)
    .finish()
    .subarray(SIGNED_FROM);
}

function writeSigned(w: BlobWriter, blob: DpapiBlob): BlobWriter {
  writeGuid(w.u32le(VERSION), DPAPI_PROVIDER_GUID);
  writeGuid(w.u32le(blob.masterKeyVersion), blob.masterKeyGuid).u32le(blob.flags);
  writeSized(w, sizedText(blob.description)).u32le(blob.cryptAlgId).u32le(blob.cryptBits);
  writeSized(writeSized(w, blob.salt), blob.strong).u32le(blob.hashAlgId).u32le(blob.hashBits);
  return writeSized(writeSized(w, blob.hmac), blob.ciphertext);
}

function signedEnd(blob: DpapiBlob): number {
  const strings = [sizedText(blob.description), blob.salt, blob.strong, blob.hmac, blob.ciphertext];
  return strings.reduce((sum, { length }) => sum + 4 + length, FIXED_LENGTH);
}

const VERSION = 1;
/** dwVersion, guidProvider */
const SIGNED_FROM = 20;
/** Everything before pbSign but the five byte strings and their lengths. */
const FIXED_LENGTH = SIGNED_FROM + 4 + 16 + 4 + 4 + 4 + 4 + 4;
