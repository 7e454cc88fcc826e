/**
 * BCRYPT_DSA_PARAMETER_HEADER and BCRYPT_DSA_PARAMETER_HEADER_V2: the property DSAParameters. Source: bcrypt.h; MS "BCRYPT_DSA_PARAMETER_HEADER",
 * "BCRYPT_DSA_PARAMETER_HEADER_V2".
 *
 *  off size field        meaning
 *    0    4 cbLength     bytes of the whole
 *    4    4 dwMagic      0x4d505344 "DSPM" version 1, 0x324d5044 "DPM2" version 2
 *    8    4 cbKeyLength  K, bytes of p
 *   12                   of version 1: Count, Seed, q, Modulus, Generator
 *                        of version 2: hashAlgorithm, standardVersion, cbSeedLength, cbGroupSize, Count, Seed, q, Modulus, Generator
 *
 * From cbKeyLength on as in the keys, whose tables are in cng-dsa-blob.ts.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { readDsaDomain, wantDsaDomain, writeDsaDomain, type DsaDomain } from './cng-dsa-fields.ts';

/** The property DSAParameters: a domain without a key. Numbers big-endian. */
export interface DsaParameters extends DsaDomain {
  readonly type: 'DSAParameters';
}

/**
 * Reads the property DSAParameters of either version.
 *
 * @returns Fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeDsaParameters(bytes: Uint8Array): DsaParameters {
  const r = new BlobReader(bytes, 'DSAParameters');
  const start = r.offset;
  const total = r.u32le('cbLength');
  const { offset } = r;
  const magic = r.u32le('dwMagic');
  const version = DSA_PARAMETERS_MAGIC.indexOf(magic) + 1;
  if (version !== 1 && version !== 2)
    return r.failAt(offset, 'dwMagic', `no DSAParameters have 0x${magic.toString(16)}`);
  const { facts, numbers } = readDsaDomain(r, version, 'cbKeyLength', (length) => {
    const want = HEADER_LENGTH + length;
    if (total !== want) r.failAt(start, 'cbLength', `want ${want}, got ${total}`);
  });
  r.end();
  const { seed, q, p, g } = numbers;
  const copies = { seed: copyBytes(seed), q: copyBytes(q), p: copyBytes(p), g: copyBytes(g) };
  return { type: 'DSAParameters', ...facts, ...copies };
}

/**
 * Writes the property DSAParameters.
 *
 * @param parameters - `type` may be left out. `g` may lack leading zeros.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeDsaParameters(parameters: Omit<DsaParameters, 'type'>): Uint8Array {
  const length = HEADER_LENGTH + wantDsaDomain(parameters);
  const magic = DSA_PARAMETERS_MAGIC[parameters.version - 1]!;
  return writeDsaDomain(new BlobWriter(length).u32le(length).u32le(magic), parameters).finish();
}

/** dwMagic of version 1 and of version 2. */
export const DSA_PARAMETERS_MAGIC: readonly number[] = [0x4d505344, 0x324d5044];
/** cbLength, dwMagic and cbKeyLength. */
const HEADER_LENGTH = 12;
