/**
 * The master key section and the backup key section of a master key file. Source: impacket dpapi.py MasterKey; mimikatz kull_m_dpapi.h.
 *
 *  off size field       meaning
 *    0    4 dwVersion   2
 *    4   16 salt
 *   20    4 rounds      of MS-PBKDF2: 4000 in Windows XP, 8000 in Windows 7, up to 24000 seen
 *   24    4 algHash     ALG_ID: CALG_HMAC stands for HMAC-SHA-1, CALG_SHA_512
 *   28    4 algCrypt    ALG_ID: CALG_3DES, CALG_AES_256
 *   32    n pbKey       ciphertext of hmacSalt[16] | mac | filler | key
 */
import type { BlobReader } from '../bytes/blob-reader.ts';
import type { BlobWriter } from '../bytes/blob-writer.ts';

/** A key under what a password, or the system, gives. */
export interface MasterKeySection {
  /** dwVersion */
  readonly version: number;
  /** 16 bytes */
  readonly salt: Uint8Array;
  /** Of MS-PBKDF2; 1 to 1,000,000. */
  readonly rounds: number;
  /** algHash, an ALG_ID */
  readonly hashAlgId: number;
  /** algCrypt, an ALG_ID */
  readonly cryptAlgId: number;
  /** pbKey */
  readonly ciphertext: Uint8Array;
}

/** Reads a section out of all that `r` has. Byte strings are views of the input. */
export function readMasterKeySection(r: BlobReader): MasterKeySection {
  const version = r.u32le('dwVersion');
  const salt = r.bytes('salt', MASTER_KEY_SALT_LENGTH);
  const rounds = r.u32leIn('rounds', { min: 1, max: MAX_ROUNDS });
  const hashAlgId = r.u32le('algHash');
  const cryptAlgId = r.u32le('algCrypt');
  const ciphertext = r.rest('pbKey');
  return { version, salt, rounds, hashAlgId, cryptAlgId, ciphertext };
}

export function masterKeySectionLength(section: MasterKeySection | undefined): number {
  return section === undefined ? 0 : SECTION_HEADER_LENGTH + section.ciphertext.length;
}

export function writeMasterKeySection(w: BlobWriter, section: MasterKeySection): void {
  w.u32le(section.version)
    .bytes(section.salt)
    .u32le(section.rounds)
    .u32le(section.hashAlgId)
    .u32le(section.cryptAlgId)
    .bytes(section.ciphertext);
}

export const MASTER_KEY_SALT_LENGTH = 16;

/** No documented bound. 40 times the most that was seen, and a few seconds of work. */
export const MAX_ROUNDS = 1_000_000;

const SECTION_HEADER_LENGTH = 32;
