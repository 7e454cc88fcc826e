/**
 * PUBLICKEYBLOB and PRIVATEKEYBLOB of Diffie-Hellman, version 2. Source: wincrypt.h; MS "Diffie-Hellman Provider Key BLOBs".
 *
 *  off size field       meaning
 *    0    8 BLOBHEADER  bType 0x06 or 0x07, bVersion 2, aiKeyAlg = CALG_DH_SF or CALG_DH_EPHEM
 *    8    4 magic       0x31484400 00 "DH1" public, 0x32484400 00 "DH2" private
 *   12    4 bitlen      bits of p
 *   16    P y           in DH1, which ends here: the public key, P = ceil(bitlen / 8). p and g are not in the blob: both sides know them
 *   16    P p           in DH2: prime modulus
 *    +    P g           in DH2: generator
 *    +    P x           in DH2: the private key
 *
 * All numbers are little-endian in the blob and big-endian here.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import {
  BLOB_HEADER_LENGTH,
  endBlob,
  readBlobHeader,
  writeBlobHeader,
  type BlobTypeName,
  type DecodeBlobOptions,
} from './key-blob-header.ts';
import {
  bigEndian,
  byteLength,
  ownedBigEndian,
  PRIME_BITS,
  requirePrimeBits,
  withNumbers,
} from './little-endian-numbers.ts';

/** The public half of a Diffie-Hellman key, without its group. */
export interface DhPublicKeyBlob {
  readonly type: 'DH-PUBLICKEYBLOB';
  /** aiKeyAlg: CALG_DH_SF (store and forward) or CALG_DH_EPHEM (ephemeral). */
  readonly algId: number;
  /** bitlen: bits of p. */
  readonly primeBits: number;
  /** y, big-endian. */
  readonly publicKey: Uint8Array;
}

/** The private half of a Diffie-Hellman key with its group; numbers big-endian. y is g^x mod p. */
export interface DhPrivateKeyBlob {
  readonly type: 'DH-PRIVATEKEYBLOB';
  /** aiKeyAlg: CALG_DH_SF (store and forward) or CALG_DH_EPHEM (ephemeral). */
  readonly algId: number;
  /** bitlen: bits of p. */
  readonly primeBits: number;
  /** p */
  readonly prime: Uint8Array;
  /** g */
  readonly generator: Uint8Array;
  /** x */
  readonly privateKey: Uint8Array;
}

/**
 * Reads a PUBLICKEYBLOB of Diffie-Hellman, version 2.
 *
 * @returns `publicKey` is a fresh array, reversed to big-endian.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER), also for version 3.
 */
export function decodeDhPublicKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): DhPublicKeyBlob {
  const r = new BlobReader(bytes, 'PUBLICKEYBLOB (DH)');
  const { facts, length } = readStart(r, 'PUBLICKEYBLOB', DH1);
  const numbers = bigEndian({ publicKey: r.bytes('y', length) });
  endBlob(r, options);
  return { type: 'DH-PUBLICKEYBLOB', ...facts, ...numbers };
}

/**
 * Writes a PUBLICKEYBLOB of Diffie-Hellman, version 2.
 *
 * @param blob - `type` may be left out.
 * @returns 16 bytes more than p has; a fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a number that is too long for its field, and for a size under 512 or over 16384 bits.
 */
export function encodeDhPublicKeyBlob(blob: Omit<DhPublicKeyBlob, 'type'>): Uint8Array {
  const length = byteLength(blob.primeBits);
  const start = encodeStart('PUBLICKEYBLOB', DH1, blob);
  return withNumbers(start, [['publicKey', blob.publicKey, length]]);
}

/**
 * Reads a PRIVATEKEYBLOB of Diffie-Hellman, version 2, that is not encrypted.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also where the blob is encrypted; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodeDhPrivateKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): DhPrivateKeyBlob & Disposable {
  const r = new BlobReader(bytes, 'PRIVATEKEYBLOB (DH)');
  const { facts, length } = readStart(r, 'PRIVATEKEYBLOB', DH2);
  const prime = r.bytes('p', length);
  const generator = r.bytes('g', length);
  const numbers = { prime, generator, privateKey: r.bytes('x', length) };
  endBlob(r, options);
  const type = 'DH-PRIVATEKEYBLOB' as const;
  return ownedBigEndian({ type, ...facts }, numbers, ['privateKey']);
}

/**
 * Writes a PRIVATEKEYBLOB of Diffie-Hellman, version 2.
 *
 * @param blob - `type` may be left out. Numbers may have leading zeros or lack them.
 * @returns {@link dhPrivateKeyBlobLength} bytes in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID as {@link encodeDhPublicKeyBlob} does.
 */
export function encodeDhPrivateKeyBlob(blob: Omit<DhPrivateKeyBlob, 'type'>): Uint8Array {
  const length = byteLength(blob.primeBits);
  return withNumbers(encodeStart('PRIVATEKEYBLOB', DH2, blob), [
    ['prime', blob.prime, length],
    ['generator', blob.generator, length],
    ['privateKey', blob.privateKey, length],
  ]);
}

/** Bytes of the PRIVATEKEYBLOB of a Diffie-Hellman key with a p of this size. */
export function dhPrivateKeyBlobLength(primeBits: number): number {
  return START_LENGTH + 3 * byteLength(primeBits);
}

function readStart(r: BlobReader, type: BlobTypeName, magic: number) {
  const { algId } = readBlobHeader(r, type);
  r.expectU32le('magic', magic);
  const primeBits = r.u32leIn('bitlen', PRIME_BITS);
  return { facts: { algId, primeBits }, length: byteLength(primeBits) };
}

function encodeStart(
  type: BlobTypeName,
  magic: number,
  { algId, primeBits }: { readonly algId: number; readonly primeBits: number },
): Uint8Array {
  requirePrimeBits(primeBits);
  return writeBlobHeader(new BlobWriter(START_LENGTH), type, algId)
    .u32le(magic)
    .u32le(primeBits)
    .finish();
}

/** 00 "DH1" */
export const DH1 = 0x31484400;
/** 00 "DH2" */
export const DH2 = 0x32484400;
const START_LENGTH = BLOB_HEADER_LENGTH + 8;
