/**
 * BCRYPT_MLKEM_KEY_BLOB and BCRYPT_PQDSA_KEY_BLOB: post-quantum keys of CNG. Source: bcrypt.h of Windows 11 24H2 and later; MS
 * "BCRYPT_MLKEM_KEY_BLOB", "BCRYPT_PQDSA_KEY_BLOB"; key bytes: FIPS 203, 204, 205, nothing reversed.
 *
 *  off size field           meaning
 *    0    4 dwMagic         whose key, and which half:
 *                                              public           private          private seed
 *                           ML-KEM             0x504b4c4d MLKP  0x524b4c4d MLKR  0x534b4c4d MLKS
 *                           ML-DSA             0x4b505344 DSPK  0x4b535344 DSSK  0x53535344 DSSS
 *                           SLH-DSA            0x4b504853 SHPK  0x4b534853 SHSK
 *                           LMS                0x4b504d4c LMPK
 *                           XMSS               0x4b504d58 XMPK
 *                           Composite-ML-KEM   0x504b4d43 CMKP  0x524b4d43 CMKR  0x534b4d43 CMKS
 *                           Composite-ML-DSA   0x4b504d43 CMPK  0x4b534d43 CMSK
 *    4    4 cbParameterSet  N, with the null at the end
 *    8    4 cbKey           K
 *   12    N parameterSet    "768", "65", "SHA2-128s": UTF-16LE, one null at the end
 *    +    K key             ML-KEM: ek, dk expanded, d || z; ML-DSA: pk, sk expanded, xi
 *
 * The composite ones are of previews of Windows and may change; their blob types are read as those of ML-KEM and PQDSA.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { readName, wantName, writeName } from './cng-name.ts';
import { refuse, wantLength } from './cng-number-fields.ts';
import { owned } from '../bytes/owned.ts';

/** A post-quantum key of CNG. */
export interface PostQuantumKeyBlob {
  readonly type: PostQuantumBlobType;
  readonly algorithm: PostQuantumAlgorithm;
  /** `512`, `768`, `1024`; `44`, `65`, `87`; sets that keycask does not know are carried. Empty where the blob has none. */
  readonly parameterSet: string;
  /** As FIPS 203, 204 and 205 encode it. */
  readonly key: Uint8Array;
}

/** Which half, and in which form. */
export type PostQuantumBlobType =
  | 'MLKEMPUBLICBLOB'
  | 'MLKEMPRIVATEBLOB'
  | 'MLKEMPRIVATESEEDBLOB'
  | 'PQDSAPUBLICBLOB'
  | 'PQDSAPRIVATEBLOB'
  | 'PQDSAPRIVATESEEDBLOB';

/** CNG's names. */
export type PostQuantumAlgorithm =
  | 'ML-KEM'
  | 'ML-DSA'
  | 'SLH-DSA'
  | 'LMS'
  | 'XMSS'
  | 'Composite-ML-KEM'
  | 'Composite-ML-DSA';

/**
 * Reads a post-quantum key, public or private.
 *
 * @param type - Refuses every other; any where it is left out.
 * @returns `key` is a fresh array, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also for a key whose length is not that of a parameter set of ML-KEM or ML-DSA.
 */
export function decodePostQuantumKeyBlob(
  bytes: Uint8Array,
  type?: PostQuantumBlobType,
): PostQuantumKeyBlob & Disposable {
  const r = new BlobReader(bytes, type ?? 'PQDSA or MLKEM key blob');
  const magic = r.u32le('dwMagic');
  const kind = POST_QUANTUM_KINDS.find((row) => row.magic === magic);
  if (kind === undefined || (type !== undefined && kind.type !== type))
    return r.failAt(0, 'dwMagic', `no such key has 0x${magic.toString(16)}`);
  const setLength = r.u32le('cbParameterSet');
  const { offset } = r;
  const keyLength = r.u32leIn('cbKey', KEY_LENGTH);
  const parameterSet = setLength === 0 ? '' : readName(r, 'parameterSet', setLength);
  const want = lengthOf(kind, parameterSet);
  if (want !== undefined && keyLength !== want)
    r.failAt(
      offset,
      'cbKey',
      `want ${want} of ${kind.algorithm}-${parameterSet}, got ${keyLength}`,
    );
  const key = r.bytes('key', keyLength);
  r.end();
  const facts = { type: kind.type, algorithm: kind.algorithm, parameterSet } as const;
  return owned(facts, { key }, kind.type.includes('PRIVATE') ? ['key'] : []);
}

/**
 * Writes a post-quantum key, public or private.
 *
 * @returns In a buffer of its own, which the caller owns, and wipes where the key is private.
 * @throws KeyStoreError PARAMETER_INVALID for a form that the algorithm does not have, for a key whose length is not that of its
 * parameter set, and for a parameter set of more than 127 characters or with a control character.
 */
export function encodePostQuantumKeyBlob(blob: PostQuantumKeyBlob): Uint8Array {
  const { type, algorithm, parameterSet, key } = blob;
  const kind = POST_QUANTUM_KINDS.find((row) => row.type === type && row.algorithm === algorithm);
  if (kind === undefined) refuse(`type: ${algorithm} has no ${type}`);
  const want = lengthOf(kind, parameterSet);
  wantLength('key', key, want === undefined ? KEY_LENGTH : { min: want, max: want });
  const setLength = parameterSet === '' ? 0 : wantName('parameterSet', parameterSet);
  const w = new BlobWriter(HEADER_LENGTH + setLength + key.length)
    .u32le(kind.magic)
    .u32le(setLength)
    .u32le(key.length);
  return (parameterSet === '' ? w : writeName(w, parameterSet)).bytes(key).finish();
}

type Kind = (typeof POST_QUANTUM_KINDS)[number];

/** Bytes of a key of a set that FIPS 203 or 204 has; undefined of others. */
function lengthOf({ type, algorithm }: Kind, parameterSet: string): number | undefined {
  if (algorithm !== 'ML-KEM' && algorithm !== 'ML-DSA') return undefined;
  const lengths = KEY_LENGTHS[algorithm].find(([set]) => set === parameterSet);
  if (type.includes('PUBLIC')) return lengths?.[1];
  return type.includes('SEED') ? lengths?.[3] : lengths?.[2];
}

const HEADER_LENGTH = 12;
/** Twenty times the longest key of FIPS 203 to 205. */
const KEY_LENGTH = { min: 1, max: 65_536 } as const;

/** FIPS 203 table 3, FIPS 204 table 2: bytes of the public key, of the private key, and of what it is made of. */
const KEY_LENGTHS = {
  'ML-KEM': [
    ['512', 800, 1632, 64],
    ['768', 1184, 2400, 64],
    ['1024', 1568, 3168, 64],
  ],
  'ML-DSA': [
    ['44', 1312, 2560, 32],
    ['65', 1952, 4032, 32],
    ['87', 2592, 4896, 32],
  ],
} as const;

/** dwMagic, by what it says. */
export const POST_QUANTUM_KINDS = [
  { magic: 0x504b4c4d, algorithm: 'ML-KEM', type: 'MLKEMPUBLICBLOB' },
  { magic: 0x524b4c4d, algorithm: 'ML-KEM', type: 'MLKEMPRIVATEBLOB' },
  { magic: 0x534b4c4d, algorithm: 'ML-KEM', type: 'MLKEMPRIVATESEEDBLOB' },
  { magic: 0x4b505344, algorithm: 'ML-DSA', type: 'PQDSAPUBLICBLOB' },
  { magic: 0x4b535344, algorithm: 'ML-DSA', type: 'PQDSAPRIVATEBLOB' },
  { magic: 0x53535344, algorithm: 'ML-DSA', type: 'PQDSAPRIVATESEEDBLOB' },
  { magic: 0x4b504853, algorithm: 'SLH-DSA', type: 'PQDSAPUBLICBLOB' },
  { magic: 0x4b534853, algorithm: 'SLH-DSA', type: 'PQDSAPRIVATEBLOB' },
  { magic: 0x4b504d4c, algorithm: 'LMS', type: 'PQDSAPUBLICBLOB' },
  { magic: 0x4b504d58, algorithm: 'XMSS', type: 'PQDSAPUBLICBLOB' },
  { magic: 0x504b4d43, algorithm: 'Composite-ML-KEM', type: 'MLKEMPUBLICBLOB' },
  { magic: 0x524b4d43, algorithm: 'Composite-ML-KEM', type: 'MLKEMPRIVATEBLOB' },
  { magic: 0x534b4d43, algorithm: 'Composite-ML-KEM', type: 'MLKEMPRIVATESEEDBLOB' },
  { magic: 0x4b504d43, algorithm: 'Composite-ML-DSA', type: 'PQDSAPUBLICBLOB' },
  { magic: 0x4b534d43, algorithm: 'Composite-ML-DSA', type: 'PQDSAPRIVATEBLOB' },
] as const;
