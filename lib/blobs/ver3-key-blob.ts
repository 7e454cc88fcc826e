/**
 * PUBLICKEYBLOB and PRIVATEKEYBLOB of DSS and Diffie-Hellman, version 3 (CRYPT_BLOB_VER3). Source: wincrypt.h (DSSPUBKEY_VER3,
 * DHPRIVKEY_VER3); MS "DSS Version 3 Public Key BLOBs", "Diffie-Hellman Version 3 Private Key BLOBs".
 *
 *  off size field       meaning
 *    0    8 BLOBHEADER  bType 0x06 or 0x07, bVersion 3, aiKeyAlg = CALG_DSS_SIGN, CALG_DH_SF or CALG_DH_EPHEM
 *    8    4 magic       public: 0x33535344 "DSS3", 0x33484400 00 "DH3"; private: 0x34535344 "DSS4", 0x34484400 00 "DH4"
 *   12    4 bitlenP     bits of p
 *   16    4 bitlenQ     bits of q; 0: q is absent
 *   20    4 bitlenJ     bits of j; 0: j is absent
 *   24    4 bitlenX     bits of x; in private blobs only
 *    +   24 DSSSEED     dss-seed.ts
 *    +    P p           prime modulus; each number has as many bytes as its bits need
 *    +    Q q           prime order of g
 *    +    P g           generator
 *    +    J j           (p-1) / q
 *    +    P y           the public key
 *    +    X x           the private key; in private blobs only
 *
 * All numbers are little-endian in the blob and big-endian here.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { KeyStoreError } from '../errors.ts';
import { DSS_SEED_LENGTH, readDssSeed, writeDssSeed, type DssSeed } from './dss-seed.ts';
import {
  BLOB_HEADER_LENGTH,
  BLOB_VERSION_3,
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

/** What all blobs of version 3 have; numbers big-endian. */
interface Ver3Key {
  /** Whose magic it is. */
  readonly algorithm: 'DSS' | 'DH';
  /** aiKeyAlg: CALG_DSS_SIGN, CALG_DH_SF, CALG_DH_EPHEM. */
  readonly algId: number;
  /** bitlenP */
  readonly primeBits: number;
  /** bitlenQ; 0 where `subprime` is absent. */
  readonly subprimeBits: number;
  /** bitlenJ; 0 where `cofactor` is absent. */
  readonly cofactorBits: number;
  /** DSSSEED. Absent where the blob says that there is none. */
  readonly seed?: DssSeed;
  /** p */
  readonly prime: Uint8Array;
  /** q */
  readonly subprime?: Uint8Array;
  /** g */
  readonly generator: Uint8Array;
  /** j */
  readonly cofactor?: Uint8Array;
  /** y */
  readonly publicKey: Uint8Array;
}

/** The public half of a DSS or Diffie-Hellman key with all that is known of its group. */
export interface Ver3PublicKeyBlob extends Ver3Key {
  readonly type: 'VER3-PUBLICKEYBLOB';
}

/** Both halves of a DSS or Diffie-Hellman key with all that is known of its group. */
export interface Ver3PrivateKeyBlob extends Ver3Key {
  readonly type: 'VER3-PRIVATEKEYBLOB';
  /** bitlenX */
  readonly privateKeyBits: number;
  /** x */
  readonly privateKey: Uint8Array;
}

/**
 * Reads a PUBLICKEYBLOB of version 3.
 *
 * @returns Fresh arrays, big-endian.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER), also for version 2.
 */
export function decodeVer3PublicKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): Ver3PublicKeyBlob {
  const r = new BlobReader(bytes, 'PUBLICKEYBLOB (VER3)');
  const { facts, seed } = readStart(r, 'PUBLICKEYBLOB');
  const numbers = readNumbers(r, facts);
  endBlob(r, options);
  return { type: 'VER3-PUBLICKEYBLOB', ...facts, ...seed, ...bigEndian(numbers) };
}

/**
 * Writes a PUBLICKEYBLOB of version 3.
 *
 * @param blob - `type` may be left out. Numbers may have leading zeros or lack them.
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a number that is too long for its bits or is there with no bits, and for a size that no decoder
 * would read.
 */
export function encodeVer3PublicKeyBlob(blob: Omit<Ver3PublicKeyBlob, 'type'>): Uint8Array {
  return withNumbers(encodeStart('PUBLICKEYBLOB', blob), numbersOf(blob));
}

/**
 * Reads a PRIVATEKEYBLOB of version 3 that is not encrypted.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also where the blob is encrypted; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodeVer3PrivateKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): Ver3PrivateKeyBlob & Disposable {
  const r = new BlobReader(bytes, 'PRIVATEKEYBLOB (VER3)');
  const { facts, seed, privateKeyBits } = readStart(r, 'PRIVATEKEYBLOB');
  const numbers = readNumbers(r, facts);
  const privateKey = r.bytes('x', byteLength(privateKeyBits));
  endBlob(r, options);
  const type = 'VER3-PRIVATEKEYBLOB' as const;
  const all = { ...numbers, privateKey };
  return ownedBigEndian({ type, ...facts, privateKeyBits, ...seed }, all, ['privateKey']);
}

/**
 * Writes a PRIVATEKEYBLOB of version 3.
 *
 * @param blob - `type` may be left out. Numbers may have leading zeros or lack them.
 * @returns A buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID as {@link encodeVer3PublicKeyBlob} does.
 */
export function encodeVer3PrivateKeyBlob(blob: Omit<Ver3PrivateKeyBlob, 'type'>): Uint8Array {
  const { privateKey, privateKeyBits } = blob;
  requireBits('privateKeyBits', privateKeyBits, 1, blob.primeBits);
  return withNumbers(encodeStart('PRIVATEKEYBLOB', blob), [
    ...numbersOf(blob),
    ['privateKey', privateKey, byteLength(privateKeyBits)],
  ]);
}

type Ver3Type = 'PUBLICKEYBLOB' | 'PRIVATEKEYBLOB';
type Ver3Facts = Pick<
  Ver3Key,
  'algorithm' | 'algId' | 'primeBits' | 'subprimeBits' | 'cofactorBits'
>;

function readStart(r: BlobReader, type: Ver3Type) {
  const { algId } = readBlobHeader(r, type, BLOB_VERSION_3);
  const at = r.offset;
  const magic = r.u32le('magic');
  const { DSS, DH } = MAGIC[type];
  if (magic !== DSS && magic !== DH)
    r.failAt(at, 'magic', `want ${hex(DSS)} or ${hex(DH)}, got ${hex(magic)}`);
  const primeBits = r.u32leIn('bitlenP', PRIME_BITS);
  const subprimeBits = r.u32leIn('bitlenQ', { max: primeBits });
  const cofactorBits = r.u32leIn('bitlenJ', { max: primeBits });
  const privateKeyBits =
    type === 'PRIVATEKEYBLOB' ? r.u32leIn('bitlenX', { min: 1, max: primeBits }) : 0;
  const seed = readDssSeed(r);
  const algorithm = magic === DSS ? ('DSS' as const) : ('DH' as const);
  return {
    facts: { algorithm, algId, primeBits, subprimeBits, cofactorBits },
    privateKeyBits,
    seed,
  };
}

function readNumbers(r: BlobReader, { primeBits, subprimeBits, cofactorBits }: Ver3Facts) {
  const length = byteLength(primeBits);
  const prime = r.bytes('p', length);
  const subprime = subprimeBits > 0 && { subprime: r.bytes('q', byteLength(subprimeBits)) };
  const generator = r.bytes('g', length);
  const cofactor = cofactorBits > 0 && { cofactor: r.bytes('j', byteLength(cofactorBits)) };
  return { prime, ...subprime, generator, ...cofactor, publicKey: r.bytes('y', length) };
}

function encodeStart(type: Ver3Type, blob: Ver3Key & { readonly privateKeyBits?: number }) {
  const { algorithm, algId, primeBits, subprimeBits, cofactorBits, privateKeyBits } = blob;
  requirePrimeBits(primeBits);
  requireBits('subprimeBits', subprimeBits, 0, primeBits);
  requireBits('cofactorBits', cofactorBits, 0, primeBits);
  const isPrivate = type === 'PRIVATEKEYBLOB';
  const length = BLOB_HEADER_LENGTH + (isPrivate ? 20 : 16) + DSS_SEED_LENGTH;
  const w = writeBlobHeader(new BlobWriter(length), type, algId, BLOB_VERSION_3)
    .u32le(MAGIC[type][algorithm])
    .u32le(primeBits)
    .u32le(subprimeBits)
    .u32le(cofactorBits);
  if (isPrivate) w.u32le(privateKeyBits!);
  return writeDssSeed(w, blob.seed).finish();
}

function numbersOf(blob: Ver3Key): NumberToWrite[] {
  const length = byteLength(blob.primeBits);
  const { subprime = NOTHING, cofactor = NOTHING } = blob;
  return [
    ['prime', blob.prime, length],
    ['subprime', subprime, byteLength(blob.subprimeBits)],
    ['generator', blob.generator, length],
    ['cofactor', cofactor, byteLength(blob.cofactorBits)],
    ['publicKey', blob.publicKey, length],
  ];
}

// oxlint-disable-next-line max-params -- a name and its bounds
function requireBits(field: string, bits: number, min: number, max: number): void {
  if (!Number.isInteger(bits) || bits < min || bits > max)
    throw new KeyStoreError('PARAMETER_INVALID', `${field}: want ${min} to ${max}, got ${bits}`);
}

function hex(magic: number): string {
  return `0x${magic.toString(16).padStart(8, '0')}`;
}

const MAGIC = {
  PUBLICKEYBLOB: { DSS: 0x33535344, DH: 0x33484400 },
  PRIVATEKEYBLOB: { DSS: 0x34535344, DH: 0x34484400 },
} as const satisfies Record<Extract<BlobTypeName, Ver3Type>, unknown>;
/** The magics of version 3. */
export const VER3_MAGICS: readonly number[] = Object.values(MAGIC).flatMap(({ DSS, DH }) => [
  DSS,
  DH,
]);
const NOTHING = new Uint8Array(0);
