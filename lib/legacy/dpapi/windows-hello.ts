/**
 * The strong password that a PIN of Windows Hello stands for. Source: mimikatz kull_m_key.c, kuhl_m_dpapi_keys.c; no sample was seen.
 *
 *   PBKDF2-SHA256(UTF-16 of the PIN, NgcSoftwareKeyPbkdf2Salt, NgcSoftwareKeyPbkdf2Round, 32), as upper-case hex digits in UTF-16
 */
import { pbkdf2 } from '../../kdf/pbkdf2.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';

/** What the private properties of a key say of its PIN. */
export interface PinParameters {
  readonly salt: Uint8Array;
  readonly rounds: number;
}

/**
 * UTF-16LE, which `strongPassword` of {@link openDpapiBlob} takes.
 *
 * @param pin - UTF-16LE, without a null. The caller still owns, and wipes, it.
 */
export async function strongPasswordOfPin(
  pin: Uint8Array,
  { salt, rounds }: PinParameters,
): Promise<SecretBytes> {
  using derived = await pbkdf2(pin, salt, rounds, 32);
  const password = new SecretBytes(4 * derived.length);
  for (const [i, byte] of derived.bytes.entries()) {
    password.bytes[4 * i] = HEX_DIGITS[byte >> 4]!;
    password.bytes[4 * i + 2] = HEX_DIGITS[byte & 0xf]!;
  }
  return password;
}

const HEX_DIGITS = new TextEncoder().encode('0123456789ABCDEF');
