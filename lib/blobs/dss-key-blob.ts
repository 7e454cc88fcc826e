/**
 * PUBLICKEYBLOB and PRIVATEKEYBLOB of DSS, version 2. Source: wincrypt.h; MS "DSS Provider Key BLOBs".
 *
 *  off size field       meaning
 *    0    8 BLOBHEADER  bType 0x06 or 0x07, bVersion 2, aiKeyAlg = CALG_DSS_SIGN
 *    8    4 magic       0x31535344 "DSS1" public, 0x32535344 "DSS2" private
 *   12    4 bitlen      bits of p
 *   16    P p           prime modulus, P = ceil(bitlen / 8)
 *    +   20 q           prime order of g
 *    +    P g           generator
 *    +    P y           in DSS1: the public key
 *    +   20 x           in DSS2: the private key. y is not in the blob: it is g^x mod p
 *    +   24 DSSSEED     dss-seed.ts
 *
 * All numbers are little-endian in the blob and big-endian here. Keys with a longer q have version 3: ver3-key-blob.ts.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { DSS_SEED_LENGTH, readDssSeed, writeDssSeed, type DssSeed } from './dss-seed.ts';
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
  type NumberToWrite,
} from './little-endian-numbers.ts';

/** The numbers that DSS keys of one group share, big-endian. */
interface DssParameters {
  /** aiKeyAlg: CALG_DSS_SIGN. */
  readonly algId: number;
  /** bitlen: bits of p. */
  readonly primeBits: number;
  /** p */
  readonly prime: Uint8Array;
  /** q, 20 bytes. */
  readonly subprime: Uint8Array;
  /** g */
  readonly generator: Uint8Array;
  /** DSSSEED. Absent where the blob says that there is none. */
  readonly seed?: DssSeed;
}

/** The public half of a DSS key. */
export interface DssPublicKeyBlob extends DssParameters {
  readonly type: 'DSS-PUBLICKEYBLOB';
  /** y */
  readonly publicKey: Uint8Array;
}

/** The private half of a DSS key. The public key is not in the blob. */
export interface DssPrivateKeyBlob extends DssParameters {
  readonly type: 'DSS-PRIVATEKEYBLOB';
  /** x, 20 bytes. */
  readonly privateKey: Uint8Array;
}

/**
 * Reads a PUBLICKEYBLOB of DSS, version 2.
 *
 * @returns Fresh arrays, big-endian.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER), also for version 3.
 */
export function decodeDssPublicKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): DssPublicKeyBlob {
  const r = new BlobReader(bytes, 'PUBLICKEYBLOB (DSS)');
  const { facts, length } = readStart(r, 'PUBLICKEYBLOB', DSS1);
  const numbers = { ...readGroup(r, length), publicKey: r.bytes('y', length) };
  const seed = readDssSeed(r);
  endBlob(r, options);
  return { type: 'DSS-PUBLICKEYBLOB', ...facts, ...bigEndian(numbers), ...seed };
}

/**
 * Writes a PUBLICKEYBLOB of DSS, version 2.
 *
 * @param blob - `type` may be left out. Numbers may have leading zeros or lack them.
 * @returns A fresh array that the caller owns: 444 bytes for 1024 bits.
 * @throws KeyStoreError PARAMETER_INVALID for a number that is too long for its field, and for a size under 512 or over 16384 bits.
 */
export function encodeDssPublicKeyBlob(blob: Omit<DssPublicKeyBlob, 'type'>): Uint8Array {
  const last = ['publicKey', blob.publicKey, byteLength(blob.primeBits)] as const;
  return encode('PUBLICKEYBLOB', DSS1, blob, last);
}

/**
 * Reads a PRIVATEKEYBLOB of DSS, version 2, that is not encrypted.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also where the blob is encrypted; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodeDssPrivateKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): DssPrivateKeyBlob & Disposable {
  const r = new BlobReader(bytes, 'PRIVATEKEYBLOB (DSS)');
  const { facts, length } = readStart(r, 'PRIVATEKEYBLOB', DSS2);
  const numbers = { ...readGroup(r, length), privateKey: r.bytes('x', Q_LENGTH) };
  const seed = readDssSeed(r);
  endBlob(r, options);
  const type = 'DSS-PRIVATEKEYBLOB' as const;
  return ownedBigEndian({ type, ...facts, ...seed }, numbers, ['privateKey']);
}

/**
 * Writes a PRIVATEKEYBLOB of DSS, version 2.
 *
 * @param blob - `type` may be left out. Numbers may have leading zeros or lack them.
 * @returns {@link dssPrivateKeyBlobLength} bytes in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID as {@link encodeDssPublicKeyBlob} does.
 */
export function encodeDssPrivateKeyBlob(blob: Omit<DssPrivateKeyBlob, 'type'>): Uint8Array {
  return encode('PRIVATEKEYBLOB', DSS2, blob, ['privateKey', blob.privateKey, Q_LENGTH]);
}

/** Bytes of the PRIVATEKEYBLOB of a DSS key with a p of this size: 336 for 1024 bits. */
export function dssPrivateKeyBlobLength(primeBits: number): number {
  return START_LENGTH + 2 * byteLength(primeBits) + 2 * Q_LENGTH + DSS_SEED_LENGTH;
}

function readStart(r: BlobReader, type: BlobTypeName, magic: number) {
  const { algId } = readBlobHeader(r, type);
  r.expectU32le('magic', magic);
  const primeBits = r.u32leIn('bitlen', PRIME_BITS);
  return { facts: { algId, primeBits }, length: byteLength(primeBits) };
}

function readGroup(r: BlobReader, length: number) {
  const prime = r.bytes('p', length);
  const subprime = r.bytes('q', Q_LENGTH);
  return { prime, subprime, generator: r.bytes('g', length) };
}

function encode(
  type: BlobTypeName,
  magic: number,
  blob: DssParameters,
  last: NumberToWrite,
): Uint8Array {
  const { algId, primeBits } = blob;
  requirePrimeBits(primeBits);
  const length = byteLength(primeBits);
  const start = writeBlobHeader(new BlobWriter(START_LENGTH), type, algId)
    .u32le(magic)
    .u32le(primeBits);
  // DSSSEED is reversed in its own way, and stands at the end: what is written last stays zero until then.
  const whole = withNumbers(start.finish(), [
    ['prime', blob.prime, length],
    ['subprime', blob.subprime, Q_LENGTH],
    ['generator', blob.generator, length],
    last,
    ['seed', new Uint8Array(0), DSS_SEED_LENGTH],
  ]);
  const seed = writeDssSeed(new BlobWriter(DSS_SEED_LENGTH), blob.seed).finish();
  whole.set(seed, whole.length - DSS_SEED_LENGTH);
  return whole;
}

/** "DSS1" */
export const DSS1 = 0x31535344;
/** "DSS2" */
export const DSS2 = 0x32535344;
/** Bytes of q and of x: a q of 160 bits is the only one that version 2 has. */
const Q_LENGTH = 20;
const START_LENGTH = BLOB_HEADER_LENGTH + 8;
