/**
 * BCRYPT_ECCFULLKEY_BLOB: EC keys of CNG together with their curve, ECCFULLPUBLICBLOB and ECCFULLPRIVATEBLOB. Source: bcrypt.h.
 *
 *  off size field                   meaning
 *    0    4 dwMagic                 as in an ECCPUBLICBLOB or ECCPRIVATEBLOB; .NET and Windows write the generic ones
 *    4    4 dwVersion               1; an ECCPUBLICBLOB has cbKey here, which is never 1
 *    8    4 dwCurveType             1 prime short Weierstrass, 2 prime twisted Edwards, 3 prime Montgomery
 *   12    4 dwCurveGenerationAlgId  of the hash that made the curve of its seed; 0 none
 *   16    4 cbFieldLength           F
 *   20    4 cbSubgroupOrder         N
 *   24    4 cbCofactor              H
 *   28    4 cbSeed                  S
 *   32    F P                       prime of the field
 *    +    F A
 *    +    F B
 *    +    F Gx                      base point
 *    +    F Gy
 *    +    N n                       order of the base point
 *    +    H h                       cofactor
 *    +    S S                       seed
 *    +    F Qx                      public point
 *    +    F Qy
 *    +    N d                       private only
 *
 * The header is little-endian, the numbers behind it are big-endian, with leading zeros up to their lengths.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import {
  ECC_FIELD_LENGTH,
  eccMagic,
  readEccMagic,
  type EccHalf,
  type EccKind,
} from './cng-ecc-magic.ts';
import { refuse, wantLength, wantNumbers, writeNumbers } from './cng-number-fields.ts';
import type { NumberField } from './cng-rsa-fields.ts';
import { owned } from '../bytes/owned.ts';

/** An elliptic curve by its numbers, big-endian. */
export interface EccCurveNumbers {
  /** Its length is cbFieldLength, that of `a`, `b`, `gx`, `gy`, `x` and `y` too. */
  readonly p: Uint8Array;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** Base point. */
  readonly gx: Uint8Array;
  readonly gy: Uint8Array;
  /** Order of the base point; its length is cbSubgroupOrder, that of the private key too. */
  readonly order: Uint8Array;
  readonly cofactor: Uint8Array;
  /** What the curve was made of; empty where that is not told. */
  readonly seed: Uint8Array;
}

/** The public half of an EC key in CNG with its curve. */
export interface EccFullPublicBlob extends EccKind, EccCurveNumbers {
  readonly type: 'ECCFULLPUBLICBLOB';
  readonly curveType: EccCurveType;
  /** dwCurveGenerationAlgId: 0, or the ALG_ID of a hash. Other numbers are carried. */
  readonly curveGenerationAlgId: number;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** Both halves of an EC key in CNG with its curve. */
export interface EccFullPrivateBlob extends Omit<EccFullPublicBlob, 'type'> {
  readonly type: 'ECCFULLPRIVATEBLOB';
  /** d */
  readonly privateKey: Uint8Array;
}

/** ECC_CURVE_TYPE_ENUM */
export type EccCurveType = 'shortWeierstrass' | 'twistedEdwards' | 'montgomery';

/**
 * Reads an ECCFULLPUBLICBLOB. That its numbers are a curve and a point of it is for the importer to check.
 *
 * @returns Fresh arrays in one buffer of their own.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodeEccFullPublicBlob(bytes: Uint8Array): EccFullPublicBlob {
  const r = new BlobReader(bytes, 'ECCFULLPUBLICBLOB');
  const { facts, numbers } = readKey(r, 'public');
  r.end();
  return owned({ type: 'ECCFULLPUBLICBLOB', ...facts } as const, numbers, []);
}

/**
 * Writes an ECCFULLPUBLICBLOB.
 *
 * @param blob - `type` may be left out. Numbers but `p`, `order`, `cofactor` and `seed` may lack leading zeros.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeEccFullPublicBlob(blob: Omit<EccFullPublicBlob, 'type'>): Uint8Array {
  return encodeKey('public', blob, []);
}

/**
 * Reads an ECCFULLPRIVATEBLOB. That its numbers belong together is for the importer to check.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodeEccFullPrivateBlob(bytes: Uint8Array): EccFullPrivateBlob & Disposable {
  const r = new BlobReader(bytes, 'ECCFULLPRIVATEBLOB');
  const { facts, numbers } = readKey(r, 'private');
  const privateKey = r.bytes('d', numbers.order.length);
  r.end();
  const all = { ...numbers, privateKey };
  return owned({ type: 'ECCFULLPRIVATEBLOB', ...facts } as const, all, ['privateKey']);
}

/**
 * Writes an ECCFULLPRIVATEBLOB.
 *
 * @param blob - `type` may be left out. Numbers but `p`, `order`, `cofactor` and `seed` may lack leading zeros.
 * @returns In a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeEccFullPrivateBlob(blob: Omit<EccFullPrivateBlob, 'type'>): Uint8Array {
  const { privateKey: value, order } = blob;
  return encodeKey('private', blob, [{ field: 'privateKey', value, length: order.length }]);
}

type Facts = EccKind & Pick<EccFullPublicBlob, 'curveType' | 'curveGenerationAlgId'>;
type Numbers = Record<keyof EccCurveNumbers | 'x' | 'y', Uint8Array>;

function readKey(r: BlobReader, half: EccHalf): { facts: Facts; numbers: Numbers } {
  const kind = readEccMagic(r, half);
  const { offset } = r;
  const version = r.u32le('dwVersion');
  if (version !== FULL_KEY_VERSION)
    r.failAt(offset, 'dwVersion', `want 1, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const curveType = CURVE_TYPES[r.u32leIn('dwCurveType', { min: 1, max: 3 }) - 1]!;
  const curveGenerationAlgId = r.u32le('dwCurveGenerationAlgId');
  const field = r.u32leIn('cbFieldLength', fieldLength(kind));
  const order = r.u32leIn('cbSubgroupOrder', ORDER_LENGTH);
  const cofactor = r.u32leIn('cbCofactor', COFACTOR_LENGTH);
  const seed = r.u32leIn('cbSeed', SEED_LENGTH);
  const numbers = {
    p: r.bytes('P', field),
    a: r.bytes('A', field),
    b: r.bytes('B', field),
    gx: r.bytes('Gx', field),
    gy: r.bytes('Gy', field),
    order: r.bytes('n', order),
    cofactor: r.bytes('h', cofactor),
    seed: r.bytes('S', seed),
    x: r.bytes('Qx', field),
    y: r.bytes('Qy', field),
  };
  return { facts: { ...kind, curveType, curveGenerationAlgId }, numbers };
}

function encodeKey(
  half: EccHalf,
  key: Omit<EccFullPublicBlob, 'type'>,
  behind: readonly NumberField[],
): Uint8Array {
  const { curveGenerationAlgId: algId, order, cofactor, seed } = key;
  const curveType = CURVE_TYPES.indexOf(key.curveType) + 1;
  if (curveType === 0) refuse(`curveType: want ${CURVE_TYPES.join(', ')}`);
  if (!Number.isInteger(algId) || algId < 0 || algId > 0xffffffff)
    refuse('curveGenerationAlgId: want a whole number under 2^32');
  const length = wantLength('p', key.p, fieldLength(key));
  wantLength('order', order, ORDER_LENGTH);
  wantLength('cofactor', cofactor, COFACTOR_LENGTH);
  wantLength('seed', seed, SEED_LENGTH);
  const inField = (field: 'p' | 'a' | 'b' | 'gx' | 'gy' | 'x' | 'y'): NumberField => {
    return { field, value: key[field], length };
  };
  const curve = [inField('p'), inField('a'), inField('b'), inField('gx'), inField('gy')];
  const point = [inField('x'), inField('y'), ...behind];
  const fixed = order.length + cofactor.length + seed.length;
  const w = new BlobWriter(HEADER_LENGTH + wantNumbers(curve) + fixed + wantNumbers(point));
  w.u32le(eccMagic(half, key)).u32le(FULL_KEY_VERSION).u32le(curveType).u32le(algId);
  w.u32le(length).u32le(order.length).u32le(cofactor.length).u32le(seed.length);
  writeNumbers(w, curve).bytes(order).bytes(cofactor).bytes(seed);
  return writeNumbers(w, point).finish();
}

function fieldLength({ curve }: EccKind): { min: number; max: number } {
  if (curve === 'generic') return FIELD_LENGTH;
  return { min: ECC_FIELD_LENGTH[curve], max: ECC_FIELD_LENGTH[curve] };
}

/** BCRYPT_ECC_FULLKEY_BLOB_V1 */
export const FULL_KEY_VERSION = 1;
/** ECC_CURVE_TYPE_ENUM from 1 on. */
const CURVE_TYPES = ['shortWeierstrass', 'twistedEdwards', 'montgomery'] as const;
/** Eight ULONG. */
const HEADER_LENGTH = 32;
/** From secp112r1 to secp521r1, the shortest and the longest prime curve of SEC 2. */
const FIELD_LENGTH = { min: 14, max: 66 } as const;
/** Hasse's theorem: an order has at most one bit more than the field. secP160r1's has 161. */
const ORDER_LENGTH = { min: 13, max: 67 } as const;
/** No documented bound; curve25519's is 8. */
const COFACTOR_LENGTH = { min: 0, max: 66 } as const;
/** No documented bound; those of NIST's curves have 20 bytes. */
const SEED_LENGTH = { min: 0, max: 128 } as const;
