/**
 * Session keys under other session keys: SYMMETRICWRAPKEYBLOBs. Source: MS "CryptExportKey"; RFC 3217 sections 3 and 4.
 *
 *   wrapped = CBC(key, 4ADDA22C79E82105, reversed(IV ‖ CBC(key, IV, X ‖ SHA-1(X)[0:8])))
 *   X       = the session key                                      under 3DES
 *           = length ‖ the session key ‖ padding to 8 bytes        under RC2
 *
 * The framing and the byte order inside are as documented: no blob that Windows made was at hand.
 */
import { createHash, randomFillSync, timingSafeEqual } from 'node:crypto';
import { ALG_ID, describeAlgId } from '../blobs/alg-id.ts';
import {
  decodeSymmetricWrapKeyBlob,
  encodeSymmetricWrapKeyBlob,
} from '../blobs/symmetric-wrap-key-blob.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { SecretBytes, type RandomFill } from '../keys/secret-bytes.ts';
import type { CapiKey, ImportCapiKeyOptions } from './capi-key.ts';
import { capiDecrypt, capiEncrypt } from './cipher.ts';
import { capiKeyOf, keyLengthsOf } from './simple-blob.ts';

/**
 * Takes a session key out of a SYMMETRICWRAPKEYBLOB, as CryptImportKey does with the key that it was exported under.
 *
 * @param blob - BLOBHEADER, ALG_ID of the wrapping key, RFC 3217's output. The caller still owns it.
 * @param wrappingKey - RC2, with the effective length that it wrapped with, or 3DES. Read, not kept.
 * @param options - Salt and effective length of the key that comes out; a blob does not tell them.
 * @returns The session key, which the caller owns, and disposes of.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for a session key of unknown length.
 * KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), without a cause, for another wrapping key or one of another algorithm,
 * another effective length, changed bytes, an implausible length. NOT_SUPPORTED for a key of RC2 or RC4 under 3DES, for which RFC 3217 has no form.
 * BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER), BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID).
 * Of RC2 also what {@link capiDecrypt} throws where OpenSSL has no RC2.
 * @example
 * ```ts
 * using wrappingKey = importCapiKey(ALG_ID.CALG_3DES, bytes);
 * using key = await unwrapSymmetricWrapBlob(await readFile('session.key'), wrappingKey);
 * ```
 */
export async function unwrapSymmetricWrapBlob(
  blob: Uint8Array,
  wrappingKey: CapiKey,
  options: ImportCapiKeyOptions = {},
): Promise<CapiKey> {
  const { algId, wrappingAlgId, wrappedKey } = decodeSymmetricWrapKeyBlob(blob);
  const hasLength = isPrefixed(wrappingAlgId, algId);
  const lengths = keyLengthsOf(algId);
  if (wrappingKey.algId !== wrappingAlgId || wrappedKey.length < MIN_LENGTH) throw failed();
  if (wrappedKey.length % BLOCK_LENGTH !== 0) throw failed();
  using outer = await decrypted(wrappingKey, wrappedKey, FIXED_IV);
  outer.bytes.reverse();
  const iv = outer.bytes.slice(0, BLOCK_LENGTH);
  using inner = await decrypted(wrappingKey, outer.bytes.subarray(BLOCK_LENGTH), iv);
  const x = inner.bytes.subarray(0, -ICV_LENGTH);
  const isWhole = timingSafeEqual(checksum(x), inner.bytes.subarray(-ICV_LENGTH));
  const start = hasLength ? 1 : 0;
  const length = hasLength ? x[0]! : x.length;
  const fits = x.length === (hasLength ? paddedLength(length) : length);
  if (!isWhole || !fits || !lengths.includes(length)) throw failed();
  return capiKeyOf(algId, x.subarray(start, start + length), options);
}

/** What a test wraps, and with which randomness. */
export interface SymmetricWrapOptions {
  /** ALG_ID and bytes of the session key. */
  readonly algId: number;
  readonly key: Uint8Array;
  /** Fills the IV, then the padding. */
  readonly random?: RandomFill;
}

/** Wraps as CryptExportKey does; not exported: to check the reading against. */
export async function wrapSymmetricWrapBlob(
  wrappingKey: CapiKey,
  { algId, key, random = randomFillSync }: SymmetricWrapOptions,
): Promise<Uint8Array> {
  const hasLength = isPrefixed(wrappingKey.algId, algId);
  const iv = new Uint8Array(BLOCK_LENGTH);
  random(iv);
  const length = hasLength ? paddedLength(key.length) : key.length;
  using inner = new SecretBytes(length + ICV_LENGTH);
  const x = inner.bytes.subarray(0, length);
  if (hasLength) random(x.subarray(1 + key.length));
  if (hasLength) x[0] = key.length;
  x.set(key, hasLength ? 1 : 0);
  inner.bytes.set(checksum(x), length);
  const first = await capiEncrypt(wrappingKey, inner.bytes, { iv, padding: 'none' });
  const turned = Uint8Array.of(...iv, ...first).reverse();
  const wrappedKey = await capiEncrypt(wrappingKey, turned, { iv: FIXED_IV, padding: 'none' });
  return encodeSymmetricWrapKeyBlob({ algId, wrappingAlgId: wrappingKey.algId, wrappedKey });
}

async function decrypted(key: CapiKey, bytes: Uint8Array, iv: Uint8Array): Promise<SecretBytes> {
  return SecretBytes.take(await capiDecrypt(key, bytes, { iv, padding: 'none' }));
}

/** Whether X begins with the key's length. */
function isPrefixed(wrappingAlgId: number, algId: number): boolean {
  if (!WRAPPING.includes(wrappingAlgId))
    throw new BlobFormatError(
      {
        format: 'SYMMETRICWRAPKEYBLOB',
        field: 'algid',
        offset: 8,
        problem: `want RC2 or 3DES, got ${describeAlgId(wrappingAlgId)}`,
      },
      'BLOB_ALGORITHM_UNSUPPORTED',
    );
  if (wrappingAlgId === ALG_ID.CALG_RC2) return true;
  if (algId !== ALG_ID.CALG_RC2 && algId !== ALG_ID.CALG_RC4) return false;
  throw new KeyStoreError(
    'NOT_SUPPORTED',
    `RFC 3217 has no form for a key of ${describeAlgId(algId)} under ${describeAlgId(wrappingAlgId)}`,
  );
}

/** The length byte, the key, padding. */
function paddedLength(keyLength: number): number {
  return Math.ceil((1 + keyLength) / BLOCK_LENGTH) * BLOCK_LENGTH;
}

function checksum(x: Uint8Array): Uint8Array {
  return createHash('sha1').update(x).digest().subarray(0, ICV_LENGTH);
}

function failed(): KeyStoreError {
  return new KeyStoreError('KEY_UNWRAP_FAILED');
}

const WRAPPING: readonly number[] = [ALG_ID.CALG_RC2, ALG_ID.CALG_3DES, ALG_ID.CALG_3DES_112];
/** Bytes of a block of RC2 and 3DES. */
const BLOCK_LENGTH = 8;
const ICV_LENGTH = 8;
/** IV, one block, ICV. */
const MIN_LENGTH = 24;
/** RFC 3217 section 3.1, step 7. */
const FIXED_IV = Uint8Array.of(0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05);
