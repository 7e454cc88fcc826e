/**
 * ECDSA signatures between r ‖ s, which CNG and PKCS#11 give (IEEE P1363), and DER, which CMS and X.509 have.
 *
 *   Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }     RFC 3279 section 2.2.3
 */
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { sequence, tlv } from '../bytes/der-writer.ts';
import { KeyStoreError } from '../errors.ts';
import { FIELD_LENGTH, type Curve } from '../cms/algorithms.ts';

/**
 * Ecdsa-Sig-Value of r ‖ s.
 *
 * @param signature - Two numbers, big-endian, each as long as the curve's field: 64 or 96 bytes.
 * @throws KeyStoreError PARAMETER_INVALID for any other length, and where r or s is zero: no signature has that.
 */
export function ecdsaSignatureToDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  if (half !== FIELD_LENGTH['P-256'] && half !== FIELD_LENGTH['P-384'])
    refuse(`want 64 or 96 bytes, got ${signature.length}`);
  return sequence(
    positiveInteger(signature.subarray(0, half)),
    positiveInteger(signature.subarray(half)),
  );
}

/**
 * r ‖ s of an Ecdsa-Sig-Value.
 *
 * @returns Twice the length of the curve's field; a fresh array the caller owns.
 * @throws BlobFormatError BLOB_MALFORMED for anything but DER of two positive numbers that fit the curve's field.
 */
export function ecdsaSignatureFromDer(curve: Curve, der: Uint8Array): Uint8Array {
  const outer = new DerReader(der, 'Ecdsa-Sig-Value');
  const value = outer.enter(TAG.SEQUENCE, 'Ecdsa-Sig-Value');
  outer.end();
  const half = FIELD_LENGTH[curve];
  const signature = new Uint8Array(2 * half);
  for (const [i, field] of ['r', 's'].entries()) {
    const number = value.positive(field, half);
    signature.set(number, (i + 1) * half - number.length);
  }
  value.end();
  return signature;
}

function positiveInteger(number: Uint8Array): Uint8Array {
  const first = number.findIndex((byte) => byte !== 0);
  if (first < 0) refuse('a signature has no zero in it');
  const bytes = number.subarray(first);
  // The sign byte keeps a number with its top bit set positive.
  return bytes[0]! & 0x80 ? tlv(TAG.INTEGER, SIGN_BYTE, bytes) : tlv(TAG.INTEGER, bytes);
}

function refuse(problem: string): never {
  throw new KeyStoreError('PARAMETER_INVALID', `ECDSA signature: ${problem}`);
}

const SIGN_BYTE = Uint8Array.of(0);
