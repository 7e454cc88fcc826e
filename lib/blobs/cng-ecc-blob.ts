/**
 * BCRYPT_ECCKEY_BLOB: EC keys of CNG, ECCPUBLICBLOB and ECCPRIVATEBLOB. Source: bcrypt.h; MS "BCRYPT_ECCKEY_BLOB".
 *
 *  off size field    meaning
 *    0    4 dwMagic  what the key is for, its curve, and whether d follows:
 *                                   P-256            P-384            P-521            another curve
 *                    ECDH  public   0x314b4345 ECK1  0x334b4345 ECK3  0x354b4345 ECK5  0x504b4345 ECKP
 *                    ECDH  private  0x324b4345 ECK2  0x344b4345 ECK4  0x364b4345 ECK6  0x564b4345 ECKV
 *                    ECDSA public   0x31534345 ECS1  0x33534345 ECS3  0x35534345 ECS5  0x50444345 ECDP
 *                    ECDSA private  0x32534345 ECS2  0x34534345 ECS4  0x36534345 ECS6  0x56444345 ECDV
 *    4    4 cbKey    K: 32, 48, 66; 20 to 66 of another curve
 *    8    K X
 *    +    K Y
 *    +    K d        private only
 *
 * The header is little-endian, the numbers behind it are big-endian, with leading zeros up to K bytes. Of curve25519 (ECKP, ECKV, K = 32)
 * X is the u-coordinate and Y is zero; X and d are carried in the order that they have, which RFC 7748 makes little-endian.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { copyBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import {
  ECC_FIELD_LENGTH as FIELD_LENGTH,
  eccMagic,
  readEccMagic,
  type EccCurve,
  type EccHalf,
  type EccKind,
} from './cng-ecc-magic.ts';
import { owned } from '../bytes/owned.ts';

export type { EccCurve } from './cng-ecc-magic.ts';

/** The public half of an EC key in CNG. */
export interface EccPublicBlob {
  readonly type: 'ECCPUBLICBLOB';
  /** What the key is for: CNG has two magics for the same point. */
  readonly algorithm: 'ECDH' | 'ECDSA';
  readonly curve: EccCurve;
  /** X, big-endian, as long as the curve's field. */
  readonly x: Uint8Array;
  /** Y, as long as X. That the point lies on the curve is checked when it is used. */
  readonly y: Uint8Array;
}

/** Both halves of an EC key in CNG. */
export interface EccPrivateBlob extends Omit<EccPublicBlob, 'type'> {
  readonly type: 'ECCPRIVATEBLOB';
  /** d, big-endian, as long as X. */
  readonly privateKey: Uint8Array;
}

/**
 * Reads an ECCPUBLICBLOB.
 *
 * @returns `x` and `y` are fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeEccPublicBlob(bytes: Uint8Array): EccPublicBlob {
  const r = new BlobReader(bytes, 'ECCPUBLICBLOB');
  const { algorithm, curve, length } = readHeader(r, 'public');
  const x = r.bytes('X', length);
  const y = r.bytes('Y', length);
  r.end();
  return { type: 'ECCPUBLICBLOB', algorithm, curve, x: copyBytes(x), y: copyBytes(y) };
}

/**
 * Writes an ECCPUBLICBLOB.
 *
 * @param blob - `type` may be left out. Numbers have exactly the length of the curve's field.
 * @returns 8 bytes more than X and Y; a fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a number of another length.
 */
export function encodeEccPublicBlob(blob: Omit<EccPublicBlob, 'type'>): Uint8Array {
  const target = new Uint8Array(HEADER_LENGTH + 2 * fieldLength(blob));
  write('public', blob, [blob.x, blob.y], target);
  return target;
}

/**
 * Reads an ECCPRIVATEBLOB. That its numbers belong together is for the importer to check.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeEccPrivateBlob(bytes: Uint8Array): EccPrivateBlob & Disposable {
  const r = new BlobReader(bytes, 'ECCPRIVATEBLOB');
  const { algorithm, curve, length } = readHeader(r, 'private');
  const numbers = {
    x: r.bytes('X', length),
    y: r.bytes('Y', length),
    privateKey: r.bytes('d', length),
  };
  r.end();
  return owned({ type: 'ECCPRIVATEBLOB', algorithm, curve } as const, numbers, ['privateKey']);
}

/** Bytes of the ECCPRIVATEBLOB of a key. */
export function eccPrivateBlobLength(blob: Pick<EccPublicBlob, 'curve' | 'x'>): number {
  return HEADER_LENGTH + 3 * fieldLength(blob);
}

/**
 * Writes an ECCPRIVATEBLOB into an array, without a copy of a secret elsewhere.
 *
 * @param blob - `type` may be left out. Numbers have exactly the length of the curve's field.
 * @param target - Exactly {@link eccPrivateBlobLength} bytes, which the caller owns, and wipes. Untouched where the call fails.
 * @throws KeyStoreError PARAMETER_INVALID for a target or a number of another length.
 */
export function encodeEccPrivateBlobInto(
  blob: Omit<EccPrivateBlob, 'type'>,
  target: Uint8Array,
): void {
  write('private', blob, [blob.x, blob.y, blob.privateKey], target);
}

/**
 * Writes an ECCPRIVATEBLOB.
 *
 * @returns {@link eccPrivateBlobLength} bytes in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID as {@link encodeEccPrivateBlobInto} does.
 */
export function encodeEccPrivateBlob(blob: Omit<EccPrivateBlob, 'type'>): Uint8Array {
  const target = new Uint8Array(new ArrayBuffer(eccPrivateBlobLength(blob)));
  encodeEccPrivateBlobInto(blob, target);
  return target;
}

function readHeader(r: BlobReader, half: EccHalf): EccKind & { length: number } {
  const { algorithm, curve } = readEccMagic(r, half);
  if (curve === 'generic') return { algorithm, curve, length: r.u32leIn('cbKey', GENERIC_LENGTH) };
  r.expectU32le('cbKey', FIELD_LENGTH[curve]);
  return { algorithm, curve, length: FIELD_LENGTH[curve] };
}

/** Bytes of each number. */
function fieldLength({ curve, x }: Pick<EccPublicBlob, 'curve' | 'x'>): number {
  if (curve !== 'generic') return FIELD_LENGTH[curve];
  const { min, max } = GENERIC_LENGTH;
  if (x.length < min || x.length > max) refuse(`x: want ${min} to ${max} bytes`);
  return x.length;
}

// oxlint-disable-next-line max-params -- which half, its header, its numbers, and where they go
function write(
  half: EccHalf,
  key: Omit<EccPublicBlob, 'type'>,
  numbers: readonly Uint8Array[],
  target: Uint8Array,
): void {
  const length = fieldLength(key);
  if (numbers.some((number) => number.length !== length))
    refuse(`want numbers of ${length} bytes each`);
  if (target.length !== HEADER_LENGTH + numbers.length * length)
    refuse(`target: want ${HEADER_LENGTH + numbers.length * length} bytes`);
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(0, eccMagic(half, key), true);
  view.setUint32(4, length, true);
  for (const [i, number] of numbers.entries()) target.set(number, HEADER_LENGTH + i * length);
}

function refuse(problem: string): never {
  throw new KeyStoreError('PARAMETER_INVALID', problem);
}

/** dwMagic and cbKey. */
const HEADER_LENGTH = 8;
/** MS "CNG Named Elliptic Curves": from secP160k1 and brainpoolP160r1 to nistP521. */
const GENERIC_LENGTH = { min: 20, max: 66 } as const;
