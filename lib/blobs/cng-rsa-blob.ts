/**
 * BCRYPT_RSAKEY_BLOB: RSA keys of CNG, RSAPUBLICBLOB, RSAPRIVATEBLOB and RSAFULLPRIVATEBLOB. Source: bcrypt.h; MS "BCRYPT_RSAKEY_BLOB".
 *
 *  off size field            meaning
 *    0    4 Magic            0x31415352 "RSA1" RSAPUBLICBLOB, 0x32415352 "RSA2" RSAPRIVATEBLOB, 0x33415352 "RSA3" RSAFULLPRIVATEBLOB
 *    4    4 BitLength        bits of the modulus
 *    8    4 cbPublicExp      E, 1 to 4
 *   12    4 cbModulus        B = ceil(BitLength / 8)
 *   16    4 cbPrime1         H = ceil(BitLength / 16); 0 in RSA1
 *   20    4 cbPrime2         H; 0 in RSA1
 *   24    E PublicExponent   no leading zero
 *    +    B Modulus          here RSA1 ends
 *    +    H Prime1           p
 *    +    H Prime2           q; here RSA2 ends
 *    +    H Exponent1        d mod p-1
 *    +    H Exponent2        d mod q-1
 *    +    H Coefficient      q^-1 mod p
 *    +    B PrivateExponent  d; here RSA3 ends
 *
 * The header is little-endian, the numbers behind it are big-endian: nothing is reversed, unlike in CryptoAPI's blobs.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { copyBytes } from '../bytes/octets.ts';
import {
  publicLength,
  readPrimes,
  readPublicKey,
  RSA3,
  writeRsaKey,
  type NumberField,
  type RsaKeySize,
} from './cng-rsa-fields.ts';
import { owned } from '../bytes/owned.ts';
import { halfLength, RSA1, RSA2, wholeLength } from './rsa-bounds.ts';

export type { RsaKeySize } from './cng-rsa-fields.ts';

/** The public half of an RSA key in CNG. */
export interface RsaPublicBlob {
  readonly type: 'RSAPUBLICBLOB';
  /** BitLength: exactly the bits that `modulus` has. */
  readonly modulusBits: number;
  /** PublicExponent: odd, 3 to 2^32 - 1. */
  readonly exponent: number;
  /** Big-endian, ceil(modulusBits / 8) bytes. */
  readonly modulus: Uint8Array;
}

/** An RSA key in CNG by its primes alone. Numbers big-endian. */
export interface RsaPrivateBlob extends Omit<RsaPublicBlob, 'type'> {
  readonly type: 'RSAPRIVATEBLOB';
  /** p */
  readonly prime1: Uint8Array;
  /** q */
  readonly prime2: Uint8Array;
}

/** All numbers of an RSA key in CNG, big-endian; names as in RFC 8017. */
export interface RsaFullPrivateBlob extends Omit<RsaPrivateBlob, 'type'> {
  readonly type: 'RSAFULLPRIVATEBLOB';
  /** d mod p-1 */
  readonly exponent1: Uint8Array;
  /** d mod q-1 */
  readonly exponent2: Uint8Array;
  /** q^-1 mod p */
  readonly coefficient: Uint8Array;
  /** d */
  readonly privateExponent: Uint8Array;
}

/**
 * Reads an RSAPUBLICBLOB.
 *
 * @returns `modulus` is a fresh array.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeRsaPublicBlob(bytes: Uint8Array): RsaPublicBlob {
  const r = new BlobReader(bytes, 'RSAPUBLICBLOB');
  const { modulusBits, exponent, modulus } = readPublicKey(r, RSA1);
  r.end();
  return { type: 'RSAPUBLICBLOB', modulusBits, exponent, modulus: copyBytes(modulus) };
}

/**
 * Writes an RSAPUBLICBLOB.
 *
 * @param blob - `type` may be left out.
 * @returns 24 bytes more than exponent and modulus; a fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeRsaPublicBlob(blob: Omit<RsaPublicBlob, 'type'>): Uint8Array {
  const target = new Uint8Array(publicLength(blob));
  writeRsaKey(RSA1, blob, [], target);
  return target;
}

/**
 * Reads an RSAPRIVATEBLOB.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeRsaPrivateBlob(bytes: Uint8Array): RsaPrivateBlob & Disposable {
  const r = new BlobReader(bytes, 'RSAPRIVATEBLOB');
  const { modulusBits, exponent, modulus } = readPublicKey(r, RSA2);
  const primes = readPrimes(r, modulusBits);
  r.end();
  const facts = { type: 'RSAPRIVATEBLOB', modulusBits, exponent } as const;
  return owned(facts, { modulus, ...primes }, ['prime1', 'prime2']);
}

/**
 * Writes an RSAPRIVATEBLOB.
 *
 * @param blob - `type` may be left out. Numbers may have leading zeros or lack them.
 * @returns 24 bytes more than its numbers, in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeRsaPrivateBlob(blob: Omit<RsaPrivateBlob, 'type'>): Uint8Array {
  const primes = primesOf(blob);
  const length = publicLength(blob) + 2 * halfLength(blob.modulusBits);
  const target = new Uint8Array(new ArrayBuffer(length));
  writeRsaKey(RSA2, blob, primes, target);
  return target;
}

/**
 * Reads an RSAFULLPRIVATEBLOB. That its numbers belong together is for the importer to check.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * using key = decodeRsaFullPrivateBlob(bytes);
 * ```
 */
export function decodeRsaFullPrivateBlob(bytes: Uint8Array): RsaFullPrivateBlob & Disposable {
  const r = new BlobReader(bytes, 'RSAFULLPRIVATEBLOB');
  const { modulusBits, exponent, modulus } = readPublicKey(r, RSA3);
  const half = halfLength(modulusBits);
  const numbers = {
    modulus,
    ...readPrimes(r, modulusBits),
    exponent1: r.bytes('Exponent1', half),
    exponent2: r.bytes('Exponent2', half),
    coefficient: r.bytes('Coefficient', half),
    privateExponent: r.bytes('PrivateExponent', wholeLength(modulusBits)),
  };
  r.end();
  const facts = { type: 'RSAFULLPRIVATEBLOB', modulusBits, exponent } as const;
  return owned(facts, numbers, SECRET_FIELDS);
}

/**
 * Bytes of the RSAFULLPRIVATEBLOB of a key with this modulus and exponent: 1179 for 2048 bits and 65537.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a size or an exponent that no decoder would read.
 */
export function rsaFullPrivateBlobLength(key: RsaKeySize): number {
  const { modulusBits } = key;
  return publicLength(key) + 5 * halfLength(modulusBits) + wholeLength(modulusBits);
}

/**
 * Writes an RSAFULLPRIVATEBLOB into an array, without a copy of a secret elsewhere.
 *
 * @param blob - `type` may be left out. Numbers may have leading zeros or lack them.
 * @param target - Exactly {@link rsaFullPrivateBlobLength} bytes, which the caller owns, and wipes. Untouched where the call fails.
 * @throws KeyStoreError PARAMETER_INVALID for a target of another length, and for a number that is too long for its field.
 */
export function encodeRsaFullPrivateBlobInto(
  blob: Omit<RsaFullPrivateBlob, 'type'>,
  target: Uint8Array,
): void {
  const [whole, half] = [wholeLength(blob.modulusBits), halfLength(blob.modulusBits)];
  const numbers: readonly NumberField[] = [
    ...primesOf(blob),
    { field: 'exponent1', value: blob.exponent1, length: half },
    { field: 'exponent2', value: blob.exponent2, length: half },
    { field: 'coefficient', value: blob.coefficient, length: half },
    { field: 'privateExponent', value: blob.privateExponent, length: whole },
  ];
  writeRsaKey(RSA3, blob, numbers, target);
}

/**
 * Writes an RSAFULLPRIVATEBLOB.
 *
 * @returns {@link rsaFullPrivateBlobLength} bytes in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID as {@link encodeRsaFullPrivateBlobInto} does.
 */
export function encodeRsaFullPrivateBlob(blob: Omit<RsaFullPrivateBlob, 'type'>): Uint8Array {
  const target = new Uint8Array(new ArrayBuffer(rsaFullPrivateBlobLength(blob)));
  encodeRsaFullPrivateBlobInto(blob, target);
  return target;
}

function primesOf({ modulusBits, prime1, prime2 }: Omit<RsaPrivateBlob, 'type'>): NumberField[] {
  const length = halfLength(modulusBits);
  return [
    { field: 'prime1', value: prime1, length },
    { field: 'prime2', value: prime2, length },
  ];
}

const SECRET_FIELDS = [
  'prime1',
  'prime2',
  'exponent1',
  'exponent2',
  'coefficient',
  'privateExponent',
] as const;
