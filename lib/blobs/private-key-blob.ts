/**
 * PRIVATEKEYBLOB (RSA), not encrypted. Source: wincrypt.h; MS "RSAPUBKEY", "Base Provider Key BLOBs".
 *
 *  off size field            meaning
 *    0    8 BLOBHEADER       bType 0x07, aiKeyAlg = CALG_RSA_KEYX or CALG_RSA_SIGN
 *    8    4 rsapubkey.magic  0x32415352 "RSA2"
 *   12    4 rsapubkey.bitlen bits of the modulus
 *   16    4 rsapubkey.pubexp
 *   20    B modulus          B = ceil(bitlen / 8)
 *    +    H prime1           p; H = ceil(bitlen / 16)
 *    +    H prime2           q
 *    +    H exponent1        d mod p-1
 *    +    H exponent2        d mod q-1
 *    +    H coefficient      q^-1 mod p
 *    +    B privateExponent  d
 *
 * All numbers are little-endian in the blob and big-endian here. Windows also reads blobs whose tail, d, is short or missing: that is
 * `shortTail: 'allow'`, and such a blob has no `privateExponent`, but what is there of it, so that it too is written back as it was.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import {
  BLOB_HEADER_LENGTH,
  BLOB_TYPE,
  BLOB_VERSION,
  endBlob,
  readBlobHeader,
  type DecodeBlobOptions,
} from './key-blob-header.ts';
import { writeReversed } from './little-endian-numbers.ts';
import { readRsaPublicKey } from './public-key-blob.ts';
import { redacted } from '../bytes/redacted.ts';
import { halfLength, RSA2, RSAPUBKEY_LENGTH, wholeLength } from './rsa-bounds.ts';
import { KeyStoreError } from '../errors.ts';

/** Both halves of an RSA key. All numbers big-endian; names as in RFC 8017, which the blob's documentation uses too. */
export interface PrivateKeyBlob {
  readonly type: 'PRIVATEKEYBLOB';
  /** aiKeyAlg: CALG_RSA_KEYX or CALG_RSA_SIGN, the slot that the key belongs in. */
  readonly algId: number;
  /** bitlen */
  readonly modulusBits: number;
  /** pubexp. 1 is possible: a "NULL key", which encrypts nothing. */
  readonly exponent: number;
  readonly modulus: Uint8Array;
  /** p */
  readonly prime1: Uint8Array;
  /** q */
  readonly prime2: Uint8Array;
  /** d mod p-1 */
  readonly exponent1: Uint8Array;
  /** d mod q-1 */
  readonly exponent2: Uint8Array;
  /** q^-1 mod p */
  readonly coefficient: Uint8Array;
  /** d. Absent only where the blob's tail is short and `shortTail` allows that. */
  readonly privateExponent?: Uint8Array;
  /** Where d is absent: the bytes of it that are there, none or some, little-endian as they stand. No number: its upper bytes are lost. */
  readonly shortTail?: Uint8Array;
}

/** How to read a PRIVATEKEYBLOB. */
export interface DecodePrivateKeyBlobOptions extends DecodeBlobOptions {
  /** `allow`: a blob that ends before or within d is read without it, as Windows does. Default `refuse`. */
  readonly shortTail?: 'refuse' | 'allow';
}

/**
 * Reads a PRIVATEKEYBLOB of RSA.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also where the blob is encrypted; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodePrivateKeyBlob(
  bytes: Uint8Array,
  options: DecodePrivateKeyBlobOptions = {},
): PrivateKeyBlob & Disposable {
  const r = new BlobReader(bytes, 'PRIVATEKEYBLOB');
  const { algId } = readBlobHeader(r, 'PRIVATEKEYBLOB');
  const { modulusBits, exponent } = readRsaPublicKey(r, RSA2);
  const whole = wholeLength(modulusBits);
  const half = halfLength(modulusBits);
  const own = new Uint8Array(new ArrayBuffer(2 * whole + 5 * half));
  let at = 0;
  const number = (field: string, length: number): Uint8Array => {
    const target = own.subarray(at, at + length);
    at += length;
    target.set(r.bytes(field, length));
    return target.reverse();
  };
  try {
    const numbers = {
      modulus: number('modulus', whole),
      prime1: number('prime1', half),
      prime2: number('prime2', half),
      exponent1: number('exponent1', half),
      exponent2: number('exponent2', half),
      coefficient: number('coefficient', half),
    };
    const tailMissing = options.shortTail === 'allow' && r.left < whole;
    const tail: Pick<PrivateKeyBlob, 'privateExponent' | 'shortTail'> = tailMissing
      ? { shortTail: number('privateExponent', r.left).reverse() }
      : { privateExponent: number('privateExponent', whole) };
    endBlob(r, options);
    const blob = { type: 'PRIVATEKEYBLOB', algId, modulusBits, exponent, ...numbers, ...tail };
    Object.defineProperty(blob, Symbol.dispose, { value: () => own.fill(0) });
    return redacted(blob as PrivateKeyBlob & Disposable, SECRET_FIELDS);
  } catch (error) {
    own.fill(0);
    throw error;
  }
}

/** Bytes of the PRIVATEKEYBLOB of a key with a modulus of this size: 20 + 9/16 of its bits. */
export function privateKeyBlobLength(modulusBits: number): number {
  return (
    BLOB_HEADER_LENGTH +
    RSAPUBKEY_LENGTH +
    2 * wholeLength(modulusBits) +
    5 * halfLength(modulusBits)
  );
}

/**
 * Writes a PRIVATEKEYBLOB of RSA into an array, without a copy of a secret elsewhere.
 *
 * @param blob - `type` may be left out; `privateExponent` may not, but for a `shortTail`. Numbers may have leading zeros or lack them.
 * @param target - Exactly {@link privateKeyBlobLength} bytes, which the caller owns, and wipes; less where the tail is short.
 * @throws KeyStoreError PARAMETER_INVALID for a target of another length, and for a number that is too long for its field: such a key has no PRIVATEKEYBLOB.
 */
export function encodePrivateKeyBlobInto(
  blob: Omit<PrivateKeyBlob, 'type'>,
  target: Uint8Array,
): void {
  const { modulusBits, privateExponent, shortTail } = blob;
  if (privateExponent === undefined && shortTail === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'privateExponent: missing');
  const length = lengthOf(blob);
  if (target.length !== length)
    throw new KeyStoreError('PARAMETER_INVALID', `target: want ${length} bytes`);
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  target.set([BLOB_TYPE.PRIVATEKEYBLOB, BLOB_VERSION, 0, 0]);
  view.setUint32(4, blob.algId, true);
  view.setUint32(8, RSA2, true);
  view.setUint32(12, modulusBits, true);
  view.setUint32(16, blob.exponent, true);
  const whole = wholeLength(modulusBits);
  const half = halfLength(modulusBits);
  let at = BLOB_HEADER_LENGTH + RSAPUBKEY_LENGTH;
  const number = (field: string, value: Uint8Array, size: number): void => {
    writeReversed(field, value, target.subarray(at, at + size));
    at += size;
  };
  number('modulus', blob.modulus, whole);
  number('prime1', blob.prime1, half);
  number('prime2', blob.prime2, half);
  number('exponent1', blob.exponent1, half);
  number('exponent2', blob.exponent2, half);
  number('coefficient', blob.coefficient, half);
  if (privateExponent) number('privateExponent', privateExponent, whole);
  else target.set(shortTail!, at);
}

/**
 * Writes a PRIVATEKEYBLOB of RSA.
 *
 * @returns {@link privateKeyBlobLength} bytes, less where the tail is short, in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID as {@link encodePrivateKeyBlobInto} does.
 */
export function encodePrivateKeyBlob(blob: Omit<PrivateKeyBlob, 'type'>): Uint8Array {
  const target = new Uint8Array(new ArrayBuffer(lengthOf(blob)));
  encodePrivateKeyBlobInto(blob, target);
  return target;
}

/** Bytes of this very blob. */
function lengthOf({
  modulusBits,
  privateExponent,
  shortTail,
}: Omit<PrivateKeyBlob, 'type'>): number {
  const length = privateKeyBlobLength(modulusBits);
  if (privateExponent || !shortTail) return length;
  const whole = wholeLength(modulusBits);
  if (shortTail.length >= whole)
    throw new KeyStoreError('PARAMETER_INVALID', `shortTail: want less than ${whole} bytes`);
  return length - whole + shortTail.length;
}

const SECRET_FIELDS = [
  'prime1',
  'prime2',
  'exponent1',
  'exponent2',
  'coefficient',
  'privateExponent',
  'shortTail',
] as const;
