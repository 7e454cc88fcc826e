/**
 * A master key file of DPAPI: `Protect\<SID>\<GUID>`. Source: impacket dpapi.py MasterKeyFile; mimikatz kull_m_dpapi.h; samples of Windows XP to 10.
 *
 *  off size field          meaning
 *    0    4 dwVersion      2
 *    4    8                0 where seen
 *   12   72 szGuid         36 UTF-16 units: the file's name
 *   84    4                0 where seen
 *   88    4 policy
 *   92    4 dwFlags        {@link MASTER_KEY_FLAG}
 *   96    8 dwMasterKeyLen
 *  104    8 dwBackupKeyLen
 *  112    8 dwCredHistLen
 *  120    8 dwDomainKeyLen
 *  128      the four sections, each of its length; 0 is none
 *
 * The section of the credential history is { u32 version 3, GUID of an entry of CREDHIST }.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { guidBytes } from '../bytes/guid.ts';
import { encodeUtf16 } from '../bytes/utf16.ts';
import { KeyStoreError } from '../errors.ts';
import {
  domainKeySectionLength,
  readDomainKeySection,
  writeDomainKeySection,
  type DomainKeySection,
} from './domain-key-section.ts';
import {
  endFile,
  readGuid,
  readLength64,
  readUnits,
  writeGuid,
  type DecodeFileOptions,
} from './fields.ts';
import {
  masterKeySectionLength,
  readMasterKeySection,
  writeMasterKeySection,
  type MasterKeySection,
} from './master-key-section.ts';

/** A master key file, closed. */
export interface MasterKeyFile {
  /** szGuid, as it stands there: the file's name. */
  readonly guid: string;
  /** The two fields after dwVersion. */
  readonly reserved: readonly [number, number];
  /** The field after szGuid. */
  readonly reserved2: number;
  readonly policy: number;
  /** dwFlags: {@link MASTER_KEY_FLAG} */
  readonly flags: number;
  /** The master key under the user's password, or the system's. */
  readonly masterKey?: MasterKeySection;
  /** The key of the local backup. */
  readonly backupKey?: MasterKeySection;
  /** Which entry of CREDHIST has the password that the master key is under. */
  readonly credHist?: CredHistReference;
  /** The master key under the backup key of the domain. */
  readonly domainKey?: DomainKeySection;
}

/** An entry of CREDHIST, by its GUID. */
export interface CredHistReference {
  /** dwVersion: 3 where seen. */
  readonly version: number;
  readonly guid: string;
}

/** dwFlags of a master key file. Source: impacket; mimikatz. */
export const MASTER_KEY_FLAG = {
  /** The backup key is bound to the LSA secret DPAPI_SYSTEM. */
  BACKUP_BOUND_TO_SYSTEM: 0x1,
  SYSTEM: 0x2,
  /** The password's SHA-1, not its NT hash. */
  SHA1_OF_PASSWORD: 0x4,
} as const;

/**
 * Reads a master key file, without opening it.
 *
 * Source: impacket dpapi.py, mimikatz kull_m_dpapi.h.
 *
 * @returns Byte strings are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * const { guid, masterKey } = decodeMasterKeyFile(await readFile(path));
 * ```
 */
export function decodeMasterKeyFile(
  bytes: Uint8Array,
  options: DecodeFileOptions = {},
): MasterKeyFile {
  const r = new BlobReader(bytes, 'master key file');
  const version = r.u32le('dwVersion');
  if (version !== VERSION)
    r.failAt(0, 'dwVersion', `want 2, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const reserved = [r.u32le('reserved'), r.u32le('reserved')] as const;
  const guid = readUnits(r, 'szGuid', GUID_TEXT_LENGTH);
  if (!guidBytes(guid)) r.failAt(GUID_OFFSET, 'szGuid', 'not a GUID');
  const reserved2 = r.u32le('reserved');
  const policy = r.u32le('policy');
  const flags = r.u32le('dwFlags');
  const lengths = LENGTH_FIELDS.map((field) => readLength64(r, field));
  const section = <T>(index: number, field: string, read: (part: BlobReader) => T): T | undefined =>
    lengths[index] === 0 ? undefined : read(r.sub(field, lengths[index]!));
  const masterKey = section(0, 'master key', readMasterKeySection);
  const backupKey = section(1, 'backup key', readMasterKeySection);
  const credHist = section(2, 'credential history', readCredHistReference);
  const domainKey = section(3, 'domain key', readDomainKeySection);
  endFile(r, options);
  return {
    guid,
    reserved,
    reserved2,
    policy,
    flags,
    ...(masterKey && { masterKey }),
    ...(backupKey && { backupKey }),
    ...(credHist && { credHist }),
    ...(domainKey && { domainKey }),
  };
}

/**
 * Writes a master key file back as it was read.
 *
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a GUID that is none.
 * @example
 * ```ts
 * const same = encodeMasterKeyFile(decodeMasterKeyFile(bytes));
 * ```
 */
export function encodeMasterKeyFile(file: MasterKeyFile): Uint8Array {
  const { guid, masterKey, backupKey, credHist, domainKey } = file;
  if (guid.length !== 36 || !guidBytes(guid))
    throw new KeyStoreError('PARAMETER_INVALID', `not a GUID: ${guid}`);
  const lengths = [
    masterKeySectionLength(masterKey),
    masterKeySectionLength(backupKey),
    credHist ? CRED_HIST_LENGTH : 0,
    domainKeySectionLength(domainKey),
  ];
  const w = new BlobWriter(lengths.reduce((sum, length) => sum + length, HEADER_LENGTH))
    .u32le(VERSION)
    .u32le(file.reserved[0])
    .u32le(file.reserved[1])
    .bytes(encodeUtf16(guid))
    .u32le(file.reserved2)
    .u32le(file.policy)
    .u32le(file.flags);
  for (const length of lengths) w.u32le(length).u32le(0);
  if (masterKey) writeMasterKeySection(w, masterKey);
  if (backupKey) writeMasterKeySection(w, backupKey);
  if (credHist) writeGuid(w.u32le(credHist.version), credHist.guid);
  if (domainKey) writeDomainKeySection(w, domainKey);
  return w.finish();
}

function readCredHistReference(r: BlobReader): CredHistReference {
  const version = r.u32le('dwVersion');
  const guid = readGuid(r, 'guid');
  r.end();
  return { version, guid };
}

const VERSION = 2;
const GUID_OFFSET = 12;
const GUID_TEXT_LENGTH = 72;
const HEADER_LENGTH = 128;
const CRED_HIST_LENGTH = 20;
const LENGTH_FIELDS = ['dwMasterKeyLen', 'dwBackupKeyLen', 'dwCredHistLen', 'dwDomainKeyLen'];
