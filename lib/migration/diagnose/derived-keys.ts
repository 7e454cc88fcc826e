/** Every key that CryptDeriveKey can have made of a password: each hash, cipher and length, the defaults of Windows first. */
import { algIdName, ALG_ID } from '../../blobs/alg-id.ts';
import type { CapiKey } from '../../legacy/capi-key.ts';
import { cryptDeriveKey, type CryptDeriveKeyOptions } from '../../legacy/derive-key.ts';
import { capiHash } from '../../legacy/hash.ts';
import { isOfTheMachine } from './trouble.ts';

/** A key, and how it was derived. Disposing of it wipes the key. */
export interface DerivedKey extends Disposable {
  readonly key: CapiKey;
  /** `CALG_SHA1` */
  readonly hash: string;
  /** The Base Provider's default length, which is not that of the others. */
  readonly isBaseDefault: boolean;
}

/**
 * Derives keys one after the other.
 *
 * @param password - Its bytes, as they were hashed. Read, not kept.
 * @param onTrouble - Told of hashes that this machine cannot do.
 */
export async function* derivedKeys(
  password: Uint8Array,
  onTrouble: (error: unknown) => void,
): AsyncGenerator<DerivedKey> {
  for (const hashAlgId of HASHES) {
    let value: Uint8Array;
    try {
      value = await capiHash(hashAlgId, password);
    } catch (error) {
      if (!isOfTheMachine(error)) throw error;
      onTrouble(error);
      continue;
    }
    try {
      for (const options of KEYS) {
        const key = await cryptDeriveKey({ hashAlgId, value }, options);
        yield {
          key,
          hash: algIdName(hashAlgId) ?? '',
          isBaseDefault: options.keyBits === BASE_DEFAULT_BITS,
          [Symbol.dispose]: () => key[Symbol.dispose](),
        };
      }
    } finally {
      value.fill(0);
    }
  }
}

const HASHES: readonly number[] = [
  ALG_ID.CALG_SHA1,
  ALG_ID.CALG_MD5,
  ALG_ID.CALG_SHA_256,
  ALG_ID.CALG_SHA_512,
  ALG_ID.CALG_SHA_384,
  ALG_ID.CALG_MD4,
  ALG_ID.CALG_MD2,
];
const BASE_DEFAULT_BITS = 40;
const BITS: readonly number[] = [128, BASE_DEFAULT_BITS, 56, 64];

/**
 * RC2 and RC4 with each length, at 40 bits with and without salt. CRYPT_CREATE_SALT is not tried: key and salt are then the first 128 bits of
 * the hash, as the key of 128 bits is (RC2 of it with the effective length of the shorter key).
 */
const KEYS: readonly CryptDeriveKeyOptions[] = [
  ...[ALG_ID.CALG_RC4, ALG_ID.CALG_RC2].flatMap((algId) => [
    ...BITS.map((keyBits): CryptDeriveKeyOptions => ({ algId, keyBits })),
    { algId, keyBits: BASE_DEFAULT_BITS, salt: 'none' as const },
  ]),
  { algId: ALG_ID.CALG_3DES },
  { algId: ALG_ID.CALG_DES },
  { algId: ALG_ID.CALG_3DES_112 },
  { algId: ALG_ID.CALG_AES_256 },
  { algId: ALG_ID.CALG_AES_128 },
  { algId: ALG_ID.CALG_AES_192 },
];
