/**
 * CREDHIST: hashes of a user's former passwords, each under the one that came after it. Source: jordanbtucker/dpapick credhist.py; mimikatz
 * kull_m_dpapi.h; a sample of four entries of Windows XP.
 *
 *  off size field        meaning
 *    0    4 dwVersion    1
 *    4   16 guid
 *   20    4 dwNextLen    0
 *   24      entries, oldest first; they are found from the end of the file
 *
 *  entry:
 *    0    4 dwType       1
 *    4    4 algHash      ALG_ID, as in a master key section
 *    8    4 rounds
 *   12    4 sidLen
 *   16    4 algCrypt     ALG_ID
 *   20    4 sha1Len      20
 *   24    4 md4Len       20 where seen: the NT hash and the zeros behind it
 *   28   16 salt
 *   44    n SID
 *     +   m secret       ciphertext of SHA-1 | NT hash | zeros to a whole block
 *     +   4 dwVersion    1
 *     +  16 guid         which master key files name
 *     +   4 dwNextLen    bytes of this entry, this field included
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { readGuid, writeGuid } from './fields.ts';
import { MASTER_KEY_SALT_LENGTH, MAX_ROUNDS } from './master-key-section.ts';
import { encodeSid, readWholeSid } from './sid.ts';

/** Former passwords of a user, closed. */
export interface CredHist {
  /** dwVersion of the file's head. */
  readonly version: number;
  readonly guid: string;
  /** Oldest first, as in the file: the current password opens the last one. */
  readonly entries: readonly CredHistEntry[];
}

/** A former password, under the next one. */
export interface CredHistEntry {
  /** dwType */
  readonly type: number;
  /** algHash, an ALG_ID */
  readonly hashAlgId: number;
  /** Of MS-PBKDF2; 1 to 1,000,000. */
  readonly rounds: number;
  /** algCrypt, an ALG_ID */
  readonly cryptAlgId: number;
  /** sha1Len: bytes of the SHA-1 in the secret. */
  readonly sha1Length: number;
  /** md4Len: bytes of the NT hash in the secret, with the zeros behind it. */
  readonly ntHashLength: number;
  /** 16 bytes */
  readonly salt: Uint8Array;
  /** As text. */
  readonly sid: string;
  /** secret */
  readonly ciphertext: Uint8Array;
  /** dwVersion behind the secret. */
  readonly version: number;
  readonly guid: string;
}

/**
 * Reads a CREDHIST file, without opening it.
 *
 * Source: dpapick credhist.py, mimikatz kull_m_dpapi.h.
 *
 * @returns Byte strings are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { entries } = decodeCredHist(await readFile(join(folder, 'CREDHIST')));
 * ```
 */
export function decodeCredHist(bytes: Uint8Array): CredHist {
  const head = new BlobReader(bytes, FORMAT);
  const version = head.u32le('dwVersion');
  const guid = readGuid(head, 'guid');
  head.expectU32le('dwNextLen', 0);
  const entries: CredHistEntry[] = [];
  for (let end = bytes.length; end > HEAD_LENGTH;) {
    const at = Math.max(end - 4, HEAD_LENGTH);
    const length = new BlobReader(bytes.subarray(at, end), FORMAT, at).u32leIn('dwNextLen', {
      min: MIN_ENTRY_LENGTH,
      max: end - HEAD_LENGTH,
    });
    const start = end - length;
    entries.push(readEntry(new BlobReader(bytes.subarray(start, end), FORMAT, start)));
    end = start;
  }
  return { version, guid, entries: entries.reverse() };
}

/**
 * Writes a CREDHIST file back as it was read.
 *
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a GUID or SID that is none.
 * @example
 * ```ts
 * const same = encodeCredHist(decodeCredHist(bytes));
 * ```
 */
export function encodeCredHist(file: CredHist): Uint8Array {
  const entries = file.entries.map((entry) => ({ entry, sid: encodeSid(entry.sid) }));
  const lengthOf = ({ entry, sid }: (typeof entries)[number]): number =>
    ENTRY_FIXED_LENGTH + sid.length + entry.ciphertext.length;
  const total = entries.reduce((sum, entry) => sum + lengthOf(entry), HEAD_LENGTH);
  const w = new BlobWriter(total).u32le(file.version);
  writeGuid(w, file.guid).u32le(0);
  for (const each of entries) {
    const { entry, sid } = each;
    w.u32le(entry.type).u32le(entry.hashAlgId).u32le(entry.rounds).u32le(sid.length);
    w.u32le(entry.cryptAlgId).u32le(entry.sha1Length).u32le(entry.ntHashLength);
    w.bytes(entry.salt).bytes(sid).bytes(entry.ciphertext).u32le(entry.version);
    writeGuid(w, entry.guid).u32le(lengthOf(each));
  }
  return w.finish();
}

function readEntry(r: BlobReader): CredHistEntry {
  const type = r.u32le('dwType');
  const hashAlgId = r.u32le('algHash');
  const rounds = r.u32leIn('rounds', { min: 1, max: MAX_ROUNDS });
  const sidLength = r.u32le('sidLen');
  const cryptAlgId = r.u32le('algCrypt');
  const sha1Length = r.u32le('sha1Len');
  const ntHashLength = r.u32le('md4Len');
  const salt = r.bytes('salt', MASTER_KEY_SALT_LENGTH);
  const sid = readWholeSid(r.sub('SID', sidLength), 'SID');
  const ciphertext = r.bytes('secret', Math.max(0, r.left - HEAD_LENGTH));
  const version = r.u32le('dwVersion');
  const guid = readGuid(r, 'guid');
  r.u32le('dwNextLen');
  r.end();
  const hashes = { sha1Length, ntHashLength };
  return { type, hashAlgId, rounds, cryptAlgId, ...hashes, salt, sid, ciphertext, version, guid };
}

const FORMAT = 'CREDHIST';
/** dwVersion, guid, dwNextLen: before the entries, and behind each. */
const HEAD_LENGTH = 24;
/** All of an entry but its SID and its secret. */
const ENTRY_FIXED_LENGTH = 44 + HEAD_LENGTH;
/** With a SID of no sub-authorities. */
const MIN_ENTRY_LENGTH = ENTRY_FIXED_LENGTH + 8;
