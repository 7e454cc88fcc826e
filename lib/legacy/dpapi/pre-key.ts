/**
 * What master keys are derived from: 20 bytes of a password and a SID, or of the LSA secret DPAPI_SYSTEM. Source: fortra/impacket
 * dpapi.py deriveKeysFromUser; mimikatz kull_m_dpapi.c.
 *
 *   preKey          = HMAC-SHA1(pwHash, UTF-16(SID) ‖ 00 00)
 *   sha1            pwHash = SHA1(UTF-16(password)): local accounts
 *   nt-hash         pwHash = MD4(UTF-16(password)): accounts of a domain
 *   protected-users t = PBKDF2-SHA256(NT hash, UTF-16(SID), 10000, 32); pwHash = PBKDF2-SHA256(t, UTF-16(SID), 1, 16)
 *   dpapi-system-*  preKey = the machine's or the user's key of DPAPI_SYSTEM, without a SID
 */
import { ALG_ID } from '../../blobs/alg-id.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { encodeUtf16, encodeUtf16z } from '../../bytes/utf16.ts';
import { KeyStoreError } from '../../errors.ts';
import { pbkdf2 } from '../../kdf/pbkdf2.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { isSid } from '../../windows-files/sid.ts';
import { capiHash } from '../hash.ts';
import { hash, hmac } from './dpapi-algorithms.ts';

/** What a user's master keys are under. Byte strings are read, not kept: the caller still owns, and wipes, them. */
export type UserSecret =
  /** UTF-16LE, without a null. All three forms are tried, in the order of this page. */
  | { readonly password: Uint8Array }
  /** 20 bytes: SHA-1 of the password. */
  | { readonly sha1: Uint8Array }
  /** 16 bytes: MD4 of the password, the NT hash. */
  | { readonly ntHash: Uint8Array };

/** Which form of the password fitted. */
export type UserPreKeyForm = 'sha1' | 'nt-hash' | 'protected-users';

/** A pre-key and where it came from. */
export interface PreKey<Form extends string> extends Disposable {
  readonly form: Form;
  /** 20 bytes */
  readonly key: SecretBytes;
}

/**
 * The pre-keys that a user's secret can stand for, one at a time; the caller disposes of each.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a text that is no SID, or a hash of another length. MD4 is OpenSSL's: without koffi
 * MODULE_MISSING when the second form is due.
 */
export async function* userPreKeys(
  secret: UserSecret,
  sid: string,
): AsyncGenerator<PreKey<UserPreKeyForm>> {
  if (!isSid(sid)) throw new KeyStoreError('PARAMETER_INVALID', `not a SID: ${sid}`);
  if ('sha1' in secret) {
    checkLength('sha1', secret.sha1, SHA1_LENGTH);
    yield preKeyOf('sha1', secret.sha1, sid);
    return;
  }
  if ('password' in secret) {
    using sha1 = SecretBytes.take(hash('sha1', secret.password));
    yield preKeyOf('sha1', sha1.bytes, sid);
  }
  using ntHash =
    'password' in secret
      ? SecretBytes.take(await capiHash(ALG_ID.CALG_MD4, secret.password))
      : SecretBytes.copy(secret.ntHash);
  checkLength('ntHash', ntHash.bytes, NT_HASH_LENGTH);
  yield preKeyOf('nt-hash', ntHash.bytes, sid);
  const salt = encodeUtf16(sid);
  using stretched = await pbkdf2(ntHash.bytes, salt, PROTECTED_USERS_ROUNDS, 32);
  using protectedHash = await pbkdf2(stretched.bytes, salt, 1, NT_HASH_LENGTH);
  yield preKeyOf('protected-users', protectedHash.bytes, sid);
}

/** HMAC-SHA1(pwHash, UTF-16(SID) ‖ 00 00). */
function preKeyOf<Form extends string>(form: Form, pwHash: Uint8Array, sid: string): PreKey<Form> {
  return preKey(form, SecretBytes.take(hmac('sha1', pwHash, encodeUtf16z(sid))));
}

/** The two keys of the LSA secret DPAPI_SYSTEM. */
export interface DpapiSystemKeys {
  /** 20 bytes: of files in S-1-5-18 itself. */
  readonly machine: Uint8Array;
  /** 20 bytes: of files in S-1-5-18\User. */
  readonly user: Uint8Array;
}

/**
 * Reads DPAPI_SYSTEM: { u32 1, machine key[20], user key[20] }, or the 40 bytes without their version.
 *
 * @returns Views of `secret`.
 * @throws BlobFormatError BLOB_MALFORMED.
 */
export function decodeDpapiSystem(secret: Uint8Array): DpapiSystemKeys {
  const r = new BlobReader(secret, 'DPAPI_SYSTEM');
  if (secret.length !== 2 * SHA1_LENGTH) r.expectU32le('version', 1);
  const machine = r.bytes('machine key', SHA1_LENGTH);
  const user = r.bytes('user key', SHA1_LENGTH);
  r.end();
  return { machine, user };
}

/** Pre-keys of the system, one at a time; the caller disposes of each. @throws BlobFormatError BLOB_MALFORMED. */
export function* systemPreKeys(
  secret: Uint8Array,
): Generator<PreKey<'dpapi-system-machine' | 'dpapi-system-user'>> {
  const { machine, user } = decodeDpapiSystem(secret);
  yield preKey('dpapi-system-machine', SecretBytes.copy(machine));
  yield preKey('dpapi-system-user', SecretBytes.copy(user));
}

/** PASSWORD_WRONG of an account of Windows: one failure, whatever does not fit. */
export function passwordWrong(): KeyStoreError {
  return new KeyStoreError('PASSWORD_WRONG', undefined, {
    hint: 'It is the password that the account of Windows had when the file was last written; CREDHIST beside it leads to former ones.',
  });
}

/** @throws KeyStoreError PARAMETER_INVALID. */
export function checkLength(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length)
    throw new KeyStoreError('PARAMETER_INVALID', `${name}: want ${length} bytes`);
}

function preKey<Form extends string>(form: Form, key: SecretBytes): PreKey<Form> {
  return { form, key, [Symbol.dispose]: () => key.dispose() };
}

const SHA1_LENGTH = 20;
const NT_HASH_LENGTH = 16;
const PROTECTED_USERS_ROUNDS = 10_000;
