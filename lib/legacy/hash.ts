/** CryptoAPI's hashes by ALG_ID. Source: wincrypt.h; MS "CryptCreateHash"; PROV_ENUMALGS_EX of the Microsoft providers. */
import { createHash } from 'node:crypto';
import { ALG_ID, describeAlgId } from '../blobs/alg-id.ts';
import { concatBytes, plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { loadOpenSslLegacy } from '../../native-bindings/openssl-legacy.ts';
import { md2 } from './md2.ts';

/** A finished hash, as CryptGetHashParam(HP_HASHVAL) gives it, with the algorithm that made it. */
export interface CapiHashValue {
  /** ALG_ID: CALG_MD2 to CALG_SHA_512. */
  readonly hashAlgId: number;
  readonly value: Uint8Array;
}

/**
 * Hashes as CryptHashData does, one part after the other.
 *
 * MD2 is keycask's own code, MD4 is that of OpenSSL's legacy provider, the others are node:crypto's. CALG_SSL3_SHAMD5 is MD5 ‖ SHA-1.
 *
 * @param hashAlgId - CALG_MD2, CALG_MD4, CALG_MD5, CALG_SHA1, CALG_SSL3_SHAMD5, CALG_SHA_256, CALG_SHA_384 or CALG_SHA_512.
 * @param parts - What CryptHashData was given, in its order. Read, not kept.
 * @returns 16, 20, 32, 36, 48 or 64 bytes, a fresh array that the caller owns; in the order of HP_HASHVAL.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for any other ALG_ID, and where this OpenSSL has no legacy provider;
 *   with CALG_MD4 also MODULE_MISSING without koffi, PROVIDER_UNAVAILABLE where the runtime has no OpenSSL (Electron).
 * @example
 * ```ts
 * const hash = await capiHash(ALG_ID.CALG_MD5, new TextEncoder().encode('password'));
 * ```
 */
export async function capiHash(
  hashAlgId: number,
  ...parts: readonly Uint8Array[]
): Promise<Uint8Array> {
  const { names } = hashFacts(hashAlgId);
  if (hashAlgId === ALG_ID.CALG_MD2) return md2(...parts);
  if (hashAlgId === ALG_ID.CALG_MD4) return (await loadOpenSslLegacy()).digest('MD4', parts);
  return concatBytes(...names.map((name) => nodeHash(name, parts)));
}

/**
 * How many bytes a hash of CryptoAPI has (HP_HASHSIZE).
 *
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID).
 * @example
 * ```ts
 * capiHashLength(ALG_ID.CALG_SHA1); // 20
 * ```
 */
export function capiHashLength(hashAlgId: number): number {
  return hashFacts(hashAlgId).length;
}

/**
 * B of RFC 2104, which CryptoAPI's HMAC uses: 64 bytes, 128 with SHA-384 and SHA-512.
 *
 * MD2 has blocks of 16 bytes; HMAC_INFO's default strings, which are 64 bytes long, say that its HMAC does not.
 */
export function hmacBlockLength(hashAlgId: number): number {
  return hashFacts(hashAlgId).length > 36 ? 128 : 64;
}

/** @throws KeyStoreError PARAMETER_INVALID where a value is not as long as hashes of its algorithm are; ALGORITHM_UNSUPPORTED. */
export function checkHashValue({ hashAlgId, value }: CapiHashValue): void {
  const length = capiHashLength(hashAlgId);
  if (value.length !== length)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `a hash of ${describeAlgId(hashAlgId)} has ${length} bytes, this one ${value.length}`,
    );
}

function nodeHash(name: string, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return plainBytes(hash.digest());
}

interface HashFacts {
  readonly length: number;
  /** node:crypto's hashes whose values stand one after the other; none where it has none. */
  readonly names: readonly string[];
}

function hashFacts(hashAlgId: number): HashFacts {
  const facts = HASHES.get(hashAlgId);
  if (facts === undefined)
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      `${describeAlgId(hashAlgId)} is no hash of CryptoAPI that takes data`,
      { hint: 'CALG_MAC and CALG_HMAC need a key: see capiCbcMac and capiHmac.' },
    );
  return facts;
}

const HASHES = new Map<number, HashFacts>([
  [ALG_ID.CALG_MD2, { length: 16, names: [] }],
  [ALG_ID.CALG_MD4, { length: 16, names: [] }],
  [ALG_ID.CALG_MD5, { length: 16, names: ['md5'] }],
  [ALG_ID.CALG_SHA1, { length: 20, names: ['sha1'] }],
  [ALG_ID.CALG_SSL3_SHAMD5, { length: 36, names: ['md5', 'sha1'] }],
  [ALG_ID.CALG_SHA_256, { length: 32, names: ['sha256'] }],
  [ALG_ID.CALG_SHA_384, { length: 48, names: ['sha384'] }],
  [ALG_ID.CALG_SHA_512, { length: 64, names: ['sha512'] }],
]);
