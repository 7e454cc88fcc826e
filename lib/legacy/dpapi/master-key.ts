/** Opens master key files: with a password, its hashes, the system's secret, or the backup key of the domain. */
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import {
  decodeMasterKeyFile,
  MASTER_KEY_FLAG,
  type MasterKeyFile,
} from '../../windows-files/master-key-file.ts';
import type { MasterKeySection } from '../../windows-files/master-key-section.ts';
import { encodeUtf16z } from '../../bytes/utf16.ts';
import { openDomainKeySection, type DomainKeySource } from './domain-key.ts';
import { dpapiHash, hash } from './dpapi-algorithms.ts';
import { openSection } from './open-section.ts';
import {
  checkLength,
  decodeDpapiSystem,
  passwordWrong,
  systemPreKeys,
  userPreKeys,
  type PreKey,
  type UserSecret,
} from './pre-key.ts';

/** What opens a master key. Byte strings are read, not kept: the caller still owns, and wipes, them. */
export type MasterKeySecret =
  /** A user's password (UTF-16LE, without a null) or its hash, with the user's SID. */
  | (UserSecret & { readonly sid: string })
  /** The LSA secret DPAPI_SYSTEM: 44 bytes, or its two keys, 40. */
  | { readonly dpapiSystem: Uint8Array }
  /** The backup key of the domain: value of the LSA secret G$BCKUPKEY_*, PVK that is not encrypted, PRIVATEKEYBLOB, PKCS#8, KeyObject. */
  | { readonly domainKey: DomainKeySource }
  /** 20 bytes that the user's key is derived from: HMAC-SHA1 of the password's hash over the SID. */
  | { readonly preKey: Uint8Array };

/** What the master key turned out to be under. */
export type MasterKeyForm =
  | 'sha1'
  | 'nt-hash'
  | 'protected-users'
  | 'dpapi-system-machine'
  | 'dpapi-system-user'
  | 'domain-key'
  | 'pre-key';

/** An open master key. Disposing of it wipes the key. */
export interface OpenedMasterKey extends Disposable {
  /** Lower case, no braces: what DPAPI blobs name. */
  readonly guid: string;
  /** 64 bytes */
  readonly key: SecretBytes;
  /** What the master key turned out to be under. */
  readonly form: MasterKeyForm;
}

/**
 * Opens a master key file of DPAPI.
 *
 * With a password three forms are tried in this order: SHA-1 (local accounts), the NT hash (accounts of a domain), and the stretched NT
 * hash of Protected Users; the result says which it was. With DPAPI_SYSTEM, the machine's key is tried before the user's. Takes tens of
 * milliseconds for each form. Source: impacket dpapi.py, mimikatz kull_m_dpapi.c, [MS-BKRP].
 *
 * @param file - `Protect\<SID>\<GUID>`.
 * @param secret - See {@link MasterKeySecret}.
 * @returns 64 bytes, which the caller disposes of.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER) for what is no master key file.
 * KeyStoreError PASSWORD_WRONG (NTE_INCORRECT_PASSWORD) for a password or a hash of one that does not fit; KEY_UNWRAP_FAILED
 * (NTE_DECRYPTION_FAILURE) for another secret that does not fit; KEY_NOT_FOUND (NTE_NO_KEY) where the file has no such section;
 * ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID); PARAMETER_INVALID for a SID or hash that is none; MODULE_MISSING where MD4 is due and koffi is not there.
 * @example
 * ```ts
 * const password = new Uint8Array(Buffer.from('waza1234/', 'utf16le'));
 * using masterKey = await openMasterKey(await readFile(path), { password, sid: 'S-1-5-21-...-1001' });
 * ```
 */
export async function openMasterKey(
  file: Uint8Array,
  secret: MasterKeySecret,
): Promise<OpenedMasterKey> {
  const decoded = decodeMasterKeyFile(file);
  if ('domainKey' in secret) return openWithDomainKey(decoded, secret.domainKey);
  const section = decoded.masterKey ?? missing(decoded, 'master key');
  for await (const candidate of preKeysOf(secret)) {
    using preKey = candidate;
    const key = await openSection(section, preKey.key.bytes, MASTER_KEY_LENGTH);
    if (key) return opened(decoded, key, preKey.form);
  }
  throw isOfUser(secret) ? passwordWrong() : new KeyStoreError('KEY_UNWRAP_FAILED');
}

/** What opens the backup section of a master key file. */
export interface BackupKeySecret {
  /** Of the user that the file belongs to. */
  readonly sid: string;
  /** The LSA secret DPAPI_SYSTEM, where the file's flags bind the section to it. */
  readonly dpapiSystem?: Uint8Array;
}

/**
 * Opens the backup section of a master key file: the key of the local backup, which is not the master key.
 *
 * Source: mimikatz kull_m_dpapi.c. That of a local account needs DPAPI_SYSTEM too; no sample of such a file was seen.
 *
 * @returns 32 bytes, which the caller disposes of.
 * @throws BlobFormatError for what is no master key file; KeyStoreError KEY_NOT_FOUND (NTE_NO_KEY) without such a section;
 * PARAMETER_INVALID where DPAPI_SYSTEM is needed and not given; KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE); ALGORITHM_UNSUPPORTED.
 * @example
 * ```ts
 * using backupKey = await openBackupKey(file, { sid: 'S-1-5-21-...-500' });
 * ```
 */
export async function openBackupKey(
  file: Uint8Array,
  { sid, dpapiSystem }: BackupKeySecret,
): Promise<SecretBytes> {
  const decoded = decodeMasterKeyFile(file);
  const section = decoded.backupKey ?? missing(decoded, 'backup key');
  const isBound = (decoded.flags & MASTER_KEY_FLAG.BACKUP_BOUND_TO_SYSTEM) !== 0;
  if (isBound && dpapiSystem === undefined)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'dpapiSystem: this backup section is bound to the LSA secret DPAPI_SYSTEM',
    );
  const preKey = backupPreKey(section, sid, isBound ? dpapiSystem : undefined);
  const key = await openSection(section, preKey, BACKUP_KEY_LENGTH);
  preKey.fill(0);
  if (!key) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  return key;
}

/** H(UTF-16(SID) ‖ 00 00 [‖ DPAPI_SYSTEM without its version]), H as the section says. */
export function backupPreKey(
  section: Pick<MasterKeySection, 'hashAlgId'>,
  sid: string,
  dpapiSystem: Uint8Array | undefined,
): Uint8Array {
  const name = dpapiHash(section.hashAlgId).name;
  if (dpapiSystem === undefined) return hash(name, encodeUtf16z(sid));
  const { machine, user } = decodeDpapiSystem(dpapiSystem);
  return hash(name, encodeUtf16z(sid), machine, user);
}

async function* preKeysOf(
  secret: Exclude<MasterKeySecret, { readonly domainKey: DomainKeySource }>,
): AsyncGenerator<PreKey<MasterKeyForm>> {
  if ('dpapiSystem' in secret) {
    yield* systemPreKeys(secret.dpapiSystem);
  } else if ('preKey' in secret) {
    checkLength('preKey', secret.preKey, PRE_KEY_LENGTH);
    const key = SecretBytes.copy(secret.preKey);
    yield { form: 'pre-key', key, [Symbol.dispose]: () => key.dispose() };
  } else {
    yield* userPreKeys(secret, secret.sid);
  }
}

async function openWithDomainKey(
  file: MasterKeyFile,
  source: DomainKeySource,
): Promise<OpenedMasterKey> {
  const section = file.domainKey ?? missing(file, 'domain key');
  return opened(file, await openDomainKeySection(section, source), 'domain-key');
}

function opened(file: MasterKeyFile, key: SecretBytes, form: MasterKeyForm): OpenedMasterKey {
  const guid = file.guid.toLowerCase();
  return { guid, key, form, [Symbol.dispose]: () => key.dispose() };
}

function missing(file: MasterKeyFile, section: string): never {
  throw new KeyStoreError(
    'KEY_NOT_FOUND',
    `the file of master key ${file.guid} has no ${section} section`,
    {
      hint: 'Use another kind of secret: a password, DPAPI_SYSTEM, or the backup key of the domain.',
    },
  );
}

function isOfUser(secret: MasterKeySecret): boolean {
  return 'password' in secret || 'sha1' in secret || 'ntHash' in secret;
}

const MASTER_KEY_LENGTH = 64;
const BACKUP_KEY_LENGTH = 32;
const PRE_KEY_LENGTH = 20;
