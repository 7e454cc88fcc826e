/**
 * Opens what CryptProtectData made. Source: mimikatz kull_m_dpapi.c; impacket dpapi.py; dpapick crypto.py; verified with blobs of Windows XP to 10.
 *
 *   K = SHA1(master key), S = salt, E = entropy, P = hash of the strong password
 *   plain form: session = HMAC(K, S ‖ E ‖ P); sign = HMAC(K, hmac ‖ E ‖ signed part)
 *   XP form:    session = H(opad ‖ H(ipad ‖ S) ‖ E ‖ P); sign = H(opad ‖ H(ipad ‖ hmac) ‖ E ‖ signed part)
 *   key         the beginning of the session key, or of H(ipad ‖ session) ‖ H(opad ‖ session) where that is too short, as CryptDeriveKey
 *               does it; CBC, zero IV, PKCS#5 padding
 *
 * ipad and opad are K xor 36..., 5C..., as long as a block of H: the XP form is an HMAC into whose outer hash E and P went by mistake.
 */
import { ALG_ID } from '../../blobs/alg-id.ts';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { decodeDpapiBlob, signedPartOf, type DpapiBlob } from '../../windows-files/dpapi-blob.ts';
import type { DecodeFileOptions } from '../../windows-files/fields.ts';
import {
  decryptCbc,
  dpapiCipher,
  dpapiHash,
  hash,
  hmac,
  isSame,
  type DpapiHash,
} from './dpapi-algorithms.ts';

/** What a DPAPI blob does not say of itself. */
export interface OpenDpapiBlobOptions extends DecodeFileOptions {
  /** pOptionalEntropy of CryptProtectData. */
  readonly entropy?: Uint8Array;
  /** What the user typed where CRYPTPROTECT_PROMPTSTRUCT asked for "strong" security: UTF-16LE, without a null. */
  readonly strongPassword?: Uint8Array;
}

/**
 * Opens a DPAPI blob.
 *
 * The sign is checked before anything is decrypted. It covers the entropy and not the strong password: a wrong one of those is noticed by
 * its padding, 255 times of 256.
 *
 * @param blob - The blob and nothing else, unless `options.trailing` is `allow`.
 * @param masterKey - 64 bytes, as {@link openMasterKey} gives them, or their SHA-1, 20 bytes. The caller still owns, and wipes, it.
 * @returns What CryptProtectData was given, which the caller disposes of.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER). KeyStoreError KEY_UNWRAP_FAILED
 * (NTE_DECRYPTION_FAILURE), without a cause, for another master key, another entropy, a blob that was changed; ALGORITHM_UNSUPPORTED
 * (NTE_BAD_ALGID); PARAMETER_INVALID for a master key of another length.
 * @example
 * ```ts
 * using masterKey = await openMasterKey(file, { password, sid });
 * using secret = await openDpapiBlob(blob, masterKey.key, { entropy });
 * ```
 */
// oxlint-disable-next-line require-await -- failures are rejections, as those of all that opens
export async function openDpapiBlob(
  blob: Uint8Array,
  masterKey: SecretBytes | Uint8Array,
  options: OpenDpapiBlobOptions = {},
): Promise<SecretBytes> {
  const decoded = decodeDpapiBlob(blob, options);
  using key = sha1OfMasterKey(masterKey);
  const keys = { hash: dpapiHash(decoded.hashAlgId), key: key.bytes };
  const forms = formsOf(decoded).filter((form) =>
    isSame(decoded.sign, signOf(form, decoded, { ...keys, ...options })),
  );
  // The form of the sign says that of the session key; the other one is for writers that mixed them.
  for (const form of forms.length === 0 ? [] : [...forms, ...formsOf(decoded)]) {
    using session = SecretBytes.take(sessionKey(form, decoded, { ...keys, ...options }));
    const plaintext = decrypt(decoded, session.bytes);
    if (plaintext) return plaintext;
  }
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}

/** How entropy and strong password go into an HMAC. */
export type DpapiForm = 'plain' | 'xp';

/** What both computations start from. */
export interface DpapiKeys extends Pick<OpenDpapiBlobOptions, 'entropy' | 'strongPassword'> {
  readonly hash: DpapiHash;
  /** K: SHA-1 of the master key. */
  readonly key: Uint8Array;
}

/** SHA-1 of a master key, or the 20 bytes that are that already. @throws KeyStoreError PARAMETER_INVALID. */
export function sha1OfMasterKey(masterKey: SecretBytes | Uint8Array): SecretBytes {
  const bytes = masterKey instanceof Uint8Array ? masterKey : masterKey.bytes;
  if (bytes.length === SHA1_LENGTH) return SecretBytes.copy(bytes);
  if (bytes.length === MASTER_KEY_LENGTH) return SecretBytes.take(hash('sha1', bytes));
  throw new KeyStoreError('PARAMETER_INVALID', 'a master key has 64 bytes, its SHA-1 has 20');
}

/** pbSign as it should be. */
export function signOf(
  form: DpapiForm,
  blob: DpapiBlob,
  { hash: h, key, entropy = EMPTY }: DpapiKeys,
): Uint8Array {
  return formHmac(form, h, key, [blob.hmac, [entropy, signedPartOf(blob)]]);
}

/** The session key; the caller wipes it. */
export function sessionKey(
  form: DpapiForm,
  blob: Pick<DpapiBlob, 'salt' | 'hashAlgId'>,
  { hash: h, key, entropy = EMPTY, strongPassword }: DpapiKeys,
): Uint8Array {
  const name = blob.hashAlgId === ALG_ID.CALG_SHA_512 ? 'sha512' : 'sha1';
  const strong = strongPassword === undefined ? EMPTY : hash(name, strongPassword);
  const session = formHmac(form, h, key, [blob.salt, [entropy, strong]]);
  strong.fill(0);
  return session;
}

/** The key of the cipher, `length` bytes, which the caller wipes. */
export function cipherKeyOf(session: Uint8Array, h: DpapiHash, length: number): Uint8Array {
  if (session.length >= length) return session.slice(0, length);
  const inner = hash(h.name, padOf(session, h, IPAD));
  const outer = hash(h.name, padOf(session, h, OPAD));
  const key = new Uint8Array(length);
  for (let i = 0; i < length; i++) key[i] = (inner[i] ?? outer[i - inner.length])!;
  inner.fill(0);
  outer.fill(0);
  return key;
}

function decrypt(blob: DpapiBlob, session: Uint8Array): SecretBytes | undefined {
  const cipher = dpapiCipher(cipherAlgId(blob));
  using key = SecretBytes.take(cipherKeyOf(session, dpapiHash(blob.hashAlgId), cipher.keyLength));
  using padded = decryptCbc(cipher, { key: key.bytes }, blob.ciphertext);
  return padded && unpad(padded.bytes, cipher.blockLength);
}

/** CALG_AES leaves the length to another field. */
function cipherAlgId({ cryptAlgId, cryptBits }: DpapiBlob): number {
  if (cryptAlgId !== ALG_ID.CALG_AES) return cryptAlgId;
  return AES_BY_BITS.get(cryptBits) ?? cryptAlgId;
}

function unpad(padded: Uint8Array, blockLength: number): SecretBytes | undefined {
  const length = padded.at(-1)!;
  if (length < 1 || length > blockLength) return undefined;
  if (padded.subarray(-length).some((byte) => byte !== length)) return undefined;
  return SecretBytes.copy(padded.subarray(0, padded.length - length));
}

/** XP's blobs are in the XP form, all others in the plain one: the likely one first. */
function formsOf(blob: DpapiBlob): readonly DpapiForm[] {
  return blob.hashAlgId === ALG_ID.CALG_SHA1 ? ['xp', 'plain'] : ['plain', 'xp'];
}

/** @param input - What goes into the inner hash in both forms, and what goes into the outer one in the XP form. */
// oxlint-disable-next-line max-params -- the inputs of an HMAC and its kind
function formHmac(
  form: DpapiForm,
  h: DpapiHash,
  key: Uint8Array,
  [first, rest]: readonly [Uint8Array, readonly Uint8Array[]],
): Uint8Array {
  if (form === 'plain') return hmac(h.name, key, first, ...rest);
  using ipad = SecretBytes.take(padOf(key, h, IPAD));
  using opad = SecretBytes.take(padOf(key, h, OPAD));
  using inner = SecretBytes.take(hash(h.name, ipad.bytes, first));
  return hash(h.name, opad.bytes, inner.bytes, ...rest);
}

/** A key of at most a block, xor a byte. */
function padOf(key: Uint8Array, { blockLength }: DpapiHash, byte: number): Uint8Array {
  return Uint8Array.from({ length: blockLength }, (_, i) => (key[i] ?? 0) ^ byte);
}

const IPAD = 0x36;
const OPAD = 0x5c;
const SHA1_LENGTH = 20;
const MASTER_KEY_LENGTH = 64;
const EMPTY = new Uint8Array();
const AES_BY_BITS = new Map<number, number>([
  [128, ALG_ID.CALG_AES_128],
  [192, ALG_ID.CALG_AES_192],
  [256, ALG_ID.CALG_AES_256],
]);
