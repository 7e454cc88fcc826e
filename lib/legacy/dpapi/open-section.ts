/** Opens what a pre-key closes: sections of master key files, entries of CREDHIST. Source: mimikatz kull_m_dpapi.c; impacket dpapi.py. */
import { SecretBytes } from '../../keys/secret-bytes.ts';
import type { MasterKeySection } from '../../windows-files/master-key-section.ts';
import {
  decryptCbc,
  dpapiCipher,
  dpapiHash,
  encryptCbc,
  hmac,
  isSame,
  type CbcInput,
  type DpapiHash,
} from './dpapi-algorithms.ts';
import { msPbkdf2 } from './ms-pbkdf2.ts';

/** What the key of a ciphertext is derived with. */
export type SectionParameters = Omit<MasterKeySection, 'version' | 'ciphertext'>;

/**
 * Opens a section: hmacSalt[16] ‖ mac ‖ filler ‖ key, where mac = HMAC(HMAC(preKey, hmacSalt), key).
 *
 * @param keyLength - 64 of a master key, 32 of a backup key.
 * @returns The key, or undefined where the pre-key is another one or the section was changed.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID).
 */
export async function openSection(
  section: MasterKeySection,
  preKey: Uint8Array,
  keyLength: number,
): Promise<SecretBytes | undefined> {
  using plaintext = await decryptSection(section, preKey, section.ciphertext);
  if (plaintext === undefined) return undefined;
  const hash = dpapiHash(section.hashAlgId);
  const { bytes } = plaintext;
  if (bytes.length < HMAC_SALT_LENGTH + hash.length + keyLength) return undefined;
  const hmacSalt = bytes.subarray(0, HMAC_SALT_LENGTH);
  const mac = bytes.subarray(HMAC_SALT_LENGTH, HMAC_SALT_LENGTH + hash.length);
  const key = bytes.subarray(bytes.length - keyLength);
  return isSame(mac, macOf(hash, { preKey, hmacSalt, key })) ? SecretBytes.copy(key) : undefined;
}

/** Decrypts with a key and an IV that are derived from the pre-key; undefined where a part of a block is left. */
export async function decryptSection(
  parameters: SectionParameters,
  preKey: Uint8Array,
  ciphertext: Uint8Array,
): Promise<SecretBytes | undefined> {
  using derived = await deriveKeyAndIv(parameters, preKey);
  const cipher = dpapiCipher(parameters.cryptAlgId);
  return decryptCbc(cipher, split(parameters, derived.bytes), ciphertext);
}

/** The way back of {@link decryptSection}; not exported by the package: keycask makes no files of Windows. */
export async function encryptSection(
  parameters: SectionParameters,
  preKey: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  using derived = await deriveKeyAndIv(parameters, preKey);
  const cipher = dpapiCipher(parameters.cryptAlgId);
  return encryptCbc(cipher, split(parameters, derived.bytes), plaintext);
}

/** HMAC(HMAC(preKey, hmacSalt), key) */
export function macOf(
  hash: DpapiHash,
  input: { readonly preKey: Uint8Array; readonly hmacSalt: Uint8Array; readonly key: Uint8Array },
): Uint8Array {
  const inner = hmac(hash.name, input.preKey, input.hmacSalt);
  const mac = hmac(hash.name, inner, input.key);
  inner.fill(0);
  return mac;
}

function deriveKeyAndIv(parameters: SectionParameters, preKey: Uint8Array): Promise<SecretBytes> {
  const hash = dpapiHash(parameters.hashAlgId);
  const { keyLength, blockLength } = dpapiCipher(parameters.cryptAlgId);
  const { salt, rounds } = parameters;
  return msPbkdf2({ hash, preKey, salt, rounds }, keyLength + blockLength);
}

function split(parameters: SectionParameters, derived: Uint8Array): CbcInput {
  const { keyLength } = dpapiCipher(parameters.cryptAlgId);
  return { key: derived.subarray(0, keyLength), iv: derived.subarray(keyLength) };
}

const HMAC_SALT_LENGTH = 16;
