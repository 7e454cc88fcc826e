/** dwMagic of CNG's EC keys, which BCRYPT_ECCKEY_BLOB and BCRYPT_ECCFULLKEY_BLOB share. Source: bcrypt.h. */
import type { BlobReader } from '../bytes/blob-reader.ts';

/** `generic`: a curve that the magic does not name; the key's property ECCCurveName does, or a full blob's numbers. */
export type EccCurve = 'P-256' | 'P-384' | 'P-521' | 'generic';

/** What a magic says of a key. */
export interface EccKind {
  /** What the key is for: CNG has two magics for the same point. */
  readonly algorithm: 'ECDH' | 'ECDSA';
  readonly curve: EccCurve;
}

/** Which half of a key. */
export type EccHalf = 'public' | 'private';

/** Reads dwMagic of a key of this half. */
export function readEccMagic(r: BlobReader, half: EccHalf): EccKind {
  const { offset } = r;
  const magic = r.u32le('dwMagic');
  const kind = ECC_KINDS.find((row) => row[half] === magic);
  if (kind === undefined)
    return r.failAt(offset, 'dwMagic', `no ${half} EC key has 0x${magic.toString(16)}`);
  return { algorithm: kind.algorithm, curve: kind.curve };
}

/** dwMagic of a key of this half. */
export function eccMagic(half: EccHalf, { algorithm, curve }: EccKind): number {
  return ECC_KINDS.find((row) => row.algorithm === algorithm && row.curve === curve)![half];
}

/** Bytes of the field of each curve that a magic names. */
export const ECC_FIELD_LENGTH = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const;

/** dwMagic, by what it says. */
export const ECC_KINDS = [
  { algorithm: 'ECDH', curve: 'P-256', public: 0x314b4345, private: 0x324b4345 },
  { algorithm: 'ECDH', curve: 'P-384', public: 0x334b4345, private: 0x344b4345 },
  { algorithm: 'ECDH', curve: 'P-521', public: 0x354b4345, private: 0x364b4345 },
  { algorithm: 'ECDH', curve: 'generic', public: 0x504b4345, private: 0x564b4345 },
  { algorithm: 'ECDSA', curve: 'P-256', public: 0x31534345, private: 0x32534345 },
  { algorithm: 'ECDSA', curve: 'P-384', public: 0x33534345, private: 0x34534345 },
  { algorithm: 'ECDSA', curve: 'P-521', public: 0x35534345, private: 0x36534345 },
  { algorithm: 'ECDSA', curve: 'generic', public: 0x50444345, private: 0x56444345 },
] as const;
