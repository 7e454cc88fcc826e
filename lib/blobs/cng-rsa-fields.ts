/** The header and the fields that RSAPUBLICBLOB, RSAPRIVATEBLOB and RSAFULLPRIVATEBLOB share; their table is in cng-rsa-blob.ts. */
import type { BlobReader } from '../bytes/blob-reader.ts';
import { KeyStoreError } from '../errors.ts';
import {
  bitLength,
  halfLength,
  MAX_RSA_BITS,
  MIN_RSA_BITS,
  RSA1,
  significant,
  wholeLength,
} from './rsa-bounds.ts';

/** Magic of an RSAFULLPRIVATEBLOB: "RSA3". CryptoAPI has no such blob. */
export const RSA3 = 0x33415352;

/** What the length of a blob depends on. */
export interface RsaKeySize {
  readonly modulusBits: number;
  readonly exponent: number;
}

interface RsaPublicNumbers extends RsaKeySize {
  readonly modulus: Uint8Array;
}

/** A number on its way into a field. */
export interface NumberField {
  /** Its name in the decoded blob, for the error. */
  readonly field: string;
  /** Big-endian. */
  readonly value: Uint8Array;
  /** Bytes of the field. */
  readonly length: number;
}

/** Reads the header and the public numbers. Every length is checked by BitLength before anything is read by it. */
export function readPublicKey(r: BlobReader, magic: number): RsaPublicNumbers {
  r.expectU32le('Magic', magic);
  const modulusBits = r.u32leIn('BitLength', { min: MIN_RSA_BITS, max: MAX_RSA_BITS });
  const exponentLength = r.u32leIn('cbPublicExp', { min: 1, max: MAX_EXPONENT_LENGTH });
  r.expectU32le('cbModulus', wholeLength(modulusBits));
  const primeLength = magic === RSA1 ? 0 : halfLength(modulusBits);
  r.expectU32le('cbPrime1', primeLength);
  r.expectU32le('cbPrime2', primeLength);
  const exponent = readExponent(r, exponentLength);
  const { offset } = r;
  const modulus = r.bytes('Modulus', wholeLength(modulusBits));
  const bits = bitLength(modulus);
  if (bits !== modulusBits) r.failAt(offset, 'Modulus', `want ${modulusBits} bits, got ${bits}`);
  return { modulusBits, exponent, modulus };
}

/** Reads the two primes, as views. */
export function readPrimes(
  r: BlobReader,
  modulusBits: number,
): { prime1: Uint8Array; prime2: Uint8Array } {
  const half = halfLength(modulusBits);
  return { prime1: r.bytes('Prime1', half), prime2: r.bytes('Prime2', half) };
}

/**
 * Bytes of the header and of the public numbers.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a size or an exponent that {@link readPublicKey} would not read, so that nothing is allocated for it.
 */
export function publicLength({ modulusBits, exponent }: RsaKeySize): number {
  if (!(modulusBits >= MIN_RSA_BITS && modulusBits <= MAX_RSA_BITS))
    refuse(`modulusBits: want ${MIN_RSA_BITS} to ${MAX_RSA_BITS}, got ${modulusBits}`);
  // Not >>> 0, which would fold a number that is too large into one that is not.
  if (!Number.isInteger(exponent) || exponent > 0xffffffff || !isExponent(exponent))
    refuse(`exponent: ${WANTED_EXPONENT}, got ${exponent}`);
  return HEADER_LENGTH + exponentLengthOf(exponent) + wholeLength(modulusBits);
}

/**
 * Writes a blob; first everything is checked, so that no part of a key is left behind in a target.
 *
 * @param numbers - What follows the modulus.
 * @throws KeyStoreError PARAMETER_INVALID as {@link publicLength} does, for a modulus of other bits, for a number that is too long for its
 * field, and for a target of another length.
 */
// oxlint-disable-next-line max-params -- the kind of blob, its two halves, and where it goes
export function writeRsaKey(
  magic: number,
  key: RsaPublicNumbers,
  numbers: readonly NumberField[],
  target: Uint8Array,
): void {
  const { modulusBits, exponent, modulus } = key;
  let length = publicLength(key);
  const bits = bitLength(modulus);
  if (bits !== modulusBits) refuse(`modulus: want ${modulusBits} bits, got ${bits}`);
  for (const number of numbers) {
    if (significant(number.value).length > number.length)
      refuse(`${number.field}: want at most ${number.length} bytes`);
    length += number.length;
  }
  if (target.length !== length) refuse(`target: want ${length} bytes`);
  const exponentLength = exponentLengthOf(exponent);
  const primeLength = magic === RSA1 ? 0 : halfLength(modulusBits);
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const header = [magic, modulusBits, exponentLength, wholeLength(modulusBits)];
  for (const [i, value] of [...header, primeLength, primeLength].entries())
    view.setUint32(4 * i, value, true);
  let at = HEADER_LENGTH;
  for (let shift = 8 * (exponentLength - 1); shift >= 0; shift -= 8)
    target[at++] = exponent >>> shift;
  const fields = [{ value: modulus, length: wholeLength(modulusBits) }, ...numbers];
  for (const { value, length: size } of fields) {
    const number = significant(value);
    target.fill(0, at, at + size - number.length);
    target.set(number, at + size - number.length);
    at += size;
  }
}

/** PublicExponent, in as few bytes as it has. */
function readExponent(r: BlobReader, length: number): number {
  const { offset } = r;
  const bytes = r.bytes('PublicExponent', length);
  let exponent = 0;
  for (const byte of bytes) exponent = exponent * 256 + byte;
  if (bytes[0] === 0) r.failAt(offset, 'PublicExponent', 'has a leading zero');
  if (!isExponent(exponent)) r.failAt(offset, 'PublicExponent', WANTED_EXPONENT);
  return exponent;
}

/** Under e = 1 the ciphertext is the plaintext; an even e has no d. */
function isExponent(exponent: number): boolean {
  return exponent >= 3 && exponent % 2 === 1;
}

function exponentLengthOf(exponent: number): number {
  return Math.ceil((32 - Math.clz32(exponent)) / 8);
}

function refuse(problem: string): never {
  throw new KeyStoreError('PARAMETER_INVALID', problem);
}

/** Six ULONG. */
const HEADER_LENGTH = 24;
/** 32 bits: what a PUBLICKEYBLOB has room for, and what keycask's PKCS#8 and SPKI hold. */
const MAX_EXPONENT_LENGTH = 4;
const WANTED_EXPONENT = 'want an odd number from 3 to 2^32 - 1';
