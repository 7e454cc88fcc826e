/**
 * BCRYPT_DSA_KEY_BLOB and BCRYPT_DSA_KEY_BLOB_V2: DSA keys of CNG, DSAPUBLICBLOB and DSAPRIVATEBLOB. Source: bcrypt.h; MS "BCRYPT_DSA_KEY_BLOB",
 * "BCRYPT_DSA_KEY_BLOB_V2".
 *
 *  off size field            meaning, of keys of 512 to 1024 bits
 *    0    4 dwMagic          0x42505344 "DSPB" DSAPUBLICBLOB, 0x56505344 "DSPV" DSAPRIVATEBLOB
 *    4    4 cbKey            K, bytes of p
 *    8    4 Count            big-endian: tries that q took; 0xffffffff where that is not known
 *   12   20 Seed             what q was made of; all 0xff where that is not known
 *   32   20 q
 *   52    K Modulus          p
 *    +    K Generator        g
 *    +    K Public           y = g^x mod p
 *    +   20 PrivateExponent  x; DSPV only
 *
 *  off size field            meaning, of longer keys
 *    0    4 dwMagic          0x32425044 "DPB2" DSAPUBLICBLOB, 0x32565044 "DPV2" DSAPRIVATEBLOB
 *    4    4 cbKey            K, bytes of p
 *    8    4 hashAlgorithm    0 SHA1, 1 SHA256, 2 SHA512
 *   12    4 standardVersion  0 FIPS 186-2, 1 FIPS 186-3
 *   16    4 cbSeedLength     S
 *   20    4 cbGroupSize      Q, bytes of q and x
 *   24    4 Count            big-endian
 *   28    S Seed
 *    +    Q q
 *    +    K Modulus          p
 *    +    K Generator        g
 *    +    K Public           y
 *    +    Q PrivateExponent  x; DPV2 only
 *
 * The header is little-endian but for Count, the numbers behind it are big-endian, with leading zeros up to their lengths.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import {
  readDsaDomain,
  wantDsaDomain,
  writeDsaDomain,
  type DsaDomain,
  type DsaDomainRead,
} from './cng-dsa-fields.ts';
import { wantNumbers, writeNumbers } from './cng-number-fields.ts';
import type { NumberField } from './cng-rsa-fields.ts';
import { owned } from '../bytes/owned.ts';

export type { DsaDomain } from './cng-dsa-fields.ts';

/** The public half of a DSA key in CNG. Numbers big-endian. */
export interface DsaPublicBlob extends DsaDomain {
  readonly type: 'DSAPUBLICBLOB';
  /** g^x mod p */
  readonly y: Uint8Array;
}

/** Both halves of a DSA key in CNG. Numbers big-endian. */
export interface DsaPrivateBlob extends Omit<DsaPublicBlob, 'type'> {
  readonly type: 'DSAPRIVATEBLOB';
  /** As long as `q`. */
  readonly x: Uint8Array;
}

/**
 * Reads a DSAPUBLICBLOB of either version.
 *
 * @returns Fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeDsaPublicBlob(bytes: Uint8Array): DsaPublicBlob {
  const r = new BlobReader(bytes, 'DSAPUBLICBLOB');
  const { facts, numbers } = readHeader(r, 'public');
  const { seed, q, p, g } = numbers;
  const y = r.bytes('Public', p.length);
  r.end();
  const copies = { seed: copyBytes(seed), q: copyBytes(q), p: copyBytes(p), g: copyBytes(g) };
  return { type: 'DSAPUBLICBLOB', ...facts, ...copies, y: copyBytes(y) };
}

/**
 * Writes a DSAPUBLICBLOB.
 *
 * @param blob - `type` may be left out. `g` and `y` may lack leading zeros.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeDsaPublicBlob(blob: Omit<DsaPublicBlob, 'type'>): Uint8Array {
  return encodeKey('public', blob, [{ field: 'y', value: blob.y, length: blob.p.length }]);
}

/**
 * Reads a DSAPRIVATEBLOB of either version. That its numbers belong together is for the importer to check.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeDsaPrivateBlob(bytes: Uint8Array): DsaPrivateBlob & Disposable {
  const r = new BlobReader(bytes, 'DSAPRIVATEBLOB');
  const { facts, numbers } = readHeader(r, 'private');
  const y = r.bytes('Public', numbers.p.length);
  const x = r.bytes('PrivateExponent', numbers.q.length);
  r.end();
  return owned({ type: 'DSAPRIVATEBLOB', ...facts } as const, { ...numbers, y, x }, ['x']);
}

/**
 * Writes a DSAPRIVATEBLOB.
 *
 * @param blob - `type` may be left out. `g`, `y` and `x` may lack leading zeros.
 * @returns In a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeDsaPrivateBlob(blob: Omit<DsaPrivateBlob, 'type'>): Uint8Array {
  const { p, q, y, x } = blob;
  return encodeKey('private', blob, [
    { field: 'y', value: y, length: p.length },
    { field: 'x', value: x, length: q.length },
  ]);
}

type Half = 'public' | 'private';

function readHeader(r: BlobReader, half: Half): DsaDomainRead {
  const { offset } = r;
  const magic = r.u32le('dwMagic');
  const version = DSA_MAGIC[half].indexOf(magic) + 1;
  if (version !== 1 && version !== 2)
    return r.failAt(offset, 'dwMagic', `no ${half} DSA key has 0x${magic.toString(16)}`);
  return readDsaDomain(r, version, 'cbKey');
}

function encodeKey(half: Half, domain: DsaDomain, numbers: readonly NumberField[]): Uint8Array {
  const length = HEADER_LENGTH + wantDsaDomain(domain) + wantNumbers(numbers);
  const w = new BlobWriter(length).u32le(DSA_MAGIC[half][domain.version - 1]!);
  return writeNumbers(writeDsaDomain(w, domain), numbers).finish();
}

/** dwMagic of version 1 and of version 2. */
export const DSA_MAGIC: Readonly<Record<Half, readonly number[]>> = {
  public: [0x42505344, 0x32425044],
  private: [0x56505344, 0x32565044],
};
/** dwMagic and cbKey. */
const HEADER_LENGTH = 8;
