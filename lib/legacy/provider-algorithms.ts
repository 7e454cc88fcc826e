/** What the Microsoft RSA providers of CryptoAPI can do: the answers of CryptGetProvParam(PP_ENUMALGS_EX). */
import { ALG_ID, describeAlgId } from '../blobs/alg-id.ts';
import { KeyStoreError } from '../errors.ts';

/**
 * A provider of CryptoAPI.
 *
 * - `base`: Microsoft Base Cryptographic Provider v1.0, PROV_RSA_FULL
 * - `enhanced`: Microsoft Enhanced Cryptographic Provider v1.0, PROV_RSA_FULL
 * - `strong`: Microsoft Strong Cryptographic Provider, PROV_RSA_FULL, the default one since Windows 2000
 * - `aes`: Microsoft Enhanced RSA and AES Cryptographic Provider, PROV_RSA_AES
 */
export type CapiProvider = 'base' | 'enhanced' | 'strong' | 'aes';

/** One row of PROV_ENUMALGS_EX. */
export interface CapiProviderAlgorithm {
  readonly algId: number;
  /** szName. */
  readonly name: string;
  /** dwMinLen, dwDefaultLen, dwMaxLen: bits, of DES without parity; of a hash the bits of its value. */
  readonly minBits: number;
  readonly defaultBits: number;
  readonly maxBits: number;
}

/**
 * The algorithms of a provider, in the order in which it names them.
 *
 * @returns Fresh objects, the caller's to keep. MAC and HMAC have zeros for lengths, as there.
 * @example
 * ```ts
 * capiProviderAlgorithms('base').find(({ name }) => name === 'RC4'); // { minBits: 40, defaultBits: 40, maxBits: 56, ... }
 * ```
 */
export function capiProviderAlgorithms(provider: CapiProvider): CapiProviderAlgorithm[] {
  const rows = ROWS.filter(([, , ...columns]) => columns[COLUMN[provider]] !== undefined);
  return rows.map(([algId, name, ...columns]) => {
    const [minBits, defaultBits, maxBits] = columns[COLUMN[provider]]!;
    return { algId, name, minBits, defaultBits, maxBits };
  });
}

/**
 * How many bits a session key has in the key's bytes, parity included, where CryptGenKey or CryptDeriveKey is asked for `requested`.
 *
 * @param requested - The high word of dwFlags; 0 is the provider's default.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for what is no cipher of this provider; FLAGS_INVALID (NTE_BAD_FLAGS) for a DES
 *   or 3DES key of another length; LEGACY_KEY_LENGTH_REFUSED (NTE_BAD_DATA) for an RC2, RC4 or AES key of another length.
 */
export function sessionKeyBits(provider: CapiProvider, algId: number, requested: number): number {
  const row = findAlgorithm(provider, algId);
  const stored = STORED_BITS.get(algId);
  if (stored !== undefined) {
    if (requested !== 0 && requested !== row.defaultBits && requested !== stored)
      throw new KeyStoreError(
        'FLAGS_INVALID',
        `a key of ${describeAlgId(algId)} has ${row.defaultBits} bits, ${stored} with parity, not ${requested}`,
      );
    return stored;
  }
  const bits = requested === 0 ? row.defaultBits : requested;
  if (bits % 8 !== 0 || bits < row.minBits || bits > row.maxBits)
    throw new KeyStoreError(
      'LEGACY_KEY_LENGTH_REFUSED',
      `the ${provider} provider takes ${describeAlgId(algId)} keys of ${row.minBits} to ${row.maxBits} bits in steps of 8, not ${bits}`,
    );
  return bits;
}

/** @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) where CryptCreateHash of this provider does not know the hash. */
export function checkProviderHash(provider: CapiProvider, hashAlgId: number): void {
  const row = ROWS.find(([id]) => id === hashAlgId);
  if (row?.[2 + COLUMN[provider]] === undefined) throw unsupported(provider, hashAlgId);
}

function findAlgorithm(provider: CapiProvider, algId: number): CapiProviderAlgorithm {
  const row = capiProviderAlgorithms(provider).find((candidate) => candidate.algId === algId);
  if (row === undefined || !SESSION_KEY_ALGORITHMS.has(algId)) throw unsupported(provider, algId);
  return row;
}

function unsupported(provider: CapiProvider, algId: number): KeyStoreError {
  return new KeyStoreError(
    'ALGORITHM_UNSUPPORTED',
    `the ${provider} provider of CryptoAPI does not do ${describeAlgId(algId)} here`,
  );
}

type Bits = readonly [min: number, defaultBits: number, max: number];
type Row = readonly [
  algId: number,
  name: string,
  base: Bits | undefined,
  enhanced: Bits | undefined,
  aes: Bits | undefined,
];

/** `strong` is `enhanced` under another name. */
const COLUMN: Readonly<Record<CapiProvider, 0 | 1 | 2>> = {
  base: 0,
  enhanced: 1,
  strong: 1,
  aes: 2,
};

/** PROV_ENUMALGS_EX, by the algorithm: what `base`, `enhanced` and `aes` say. Sources: wine-capi-enumalgs.json; MS "CryptGenKey". */
const ROWS: readonly Row[] = [
  [ALG_ID.CALG_RC2, 'RC2', [40, 40, 56], [40, 128, 128], [40, 128, 128]],
  [ALG_ID.CALG_RC4, 'RC4', [40, 40, 56], [40, 128, 128], [40, 128, 128]],
  [ALG_ID.CALG_DES, 'DES', [56, 56, 56], [56, 56, 56], [56, 56, 56]],
  [ALG_ID.CALG_3DES_112, '3DES TWO KEY', undefined, [112, 112, 112], [112, 112, 112]],
  [ALG_ID.CALG_3DES, '3DES', undefined, [168, 168, 168], [168, 168, 168]],
  [ALG_ID.CALG_AES_128, 'AES-128', undefined, undefined, [128, 128, 128]],
  [ALG_ID.CALG_AES_192, 'AES-192', undefined, undefined, [192, 192, 192]],
  [ALG_ID.CALG_AES_256, 'AES-256', undefined, undefined, [256, 256, 256]],
  [ALG_ID.CALG_SHA1, 'SHA-1', [160, 160, 160], [160, 160, 160], [160, 160, 160]],
  [ALG_ID.CALG_SHA_256, 'SHA-256', undefined, undefined, [256, 256, 256]],
  [ALG_ID.CALG_SHA_384, 'SHA-384', undefined, undefined, [384, 384, 384]],
  [ALG_ID.CALG_SHA_512, 'SHA-512', undefined, undefined, [512, 512, 512]],
  [ALG_ID.CALG_MD2, 'MD2', [128, 128, 128], [128, 128, 128], [128, 128, 128]],
  [ALG_ID.CALG_MD4, 'MD4', [128, 128, 128], [128, 128, 128], [128, 128, 128]],
  [ALG_ID.CALG_MD5, 'MD5', [128, 128, 128], [128, 128, 128], [128, 128, 128]],
  [ALG_ID.CALG_SSL3_SHAMD5, 'SSL3 SHAMD5', [288, 288, 288], [288, 288, 288], [288, 288, 288]],
  [ALG_ID.CALG_MAC, 'MAC', [0, 0, 0], [0, 0, 0], [0, 0, 0]],
  [ALG_ID.CALG_RSA_SIGN, 'RSA_SIGN', [384, 512, 16384], [384, 1024, 16384], [384, 1024, 16384]],
  [ALG_ID.CALG_RSA_KEYX, 'RSA_KEYX', [384, 512, 1024], [384, 1024, 16384], [384, 1024, 16384]],
  [ALG_ID.CALG_HMAC, 'HMAC', [0, 0, 0], [0, 0, 0], [0, 0, 0]],
];

const SESSION_KEY_ALGORITHMS: ReadonlySet<number> = new Set([
  ALG_ID.CALG_RC2,
  ALG_ID.CALG_RC4,
  ALG_ID.CALG_DES,
  ALG_ID.CALG_3DES_112,
  ALG_ID.CALG_3DES,
  ALG_ID.CALG_AES_128,
  ALG_ID.CALG_AES_192,
  ALG_ID.CALG_AES_256,
]);

/** Each byte of a DES key has a bit of parity, which PP_ENUMALGS_EX does not count. */
const STORED_BITS = new Map<number, number>([
  [ALG_ID.CALG_DES, 64],
  [ALG_ID.CALG_3DES_112, 128],
  [ALG_ID.CALG_3DES, 192],
]);
