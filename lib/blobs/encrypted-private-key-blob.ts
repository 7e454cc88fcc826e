/**
 * PRIVATEKEYBLOB that CryptExportKey encrypted with a session key. Source: MS "Base Provider Key BLOBs", "DSS Provider Key BLOBs".
 *
 *  off size field       meaning
 *    0    8 BLOBHEADER  bType 0x07, in the clear: bVersion 2 or 3, aiKeyAlg of the key inside
 *    8    n ciphertext  all that follows the header in a PRIVATEKEYBLOB that is not encrypted
 *
 * Nothing in the blob says that it is encrypted, nor with which key, algorithm, mode or IV. It is told by what it is not: four bytes that are
 * no magic, where a magic would stand (docs/decisions/encrypted-private-key-blobs.md).
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { isDh, isDss, isRsa } from './alg-id.ts';
import { dhPrivateKeyBlobLength, DH1, DH2 } from './dh-key-blob.ts';
import { dssPrivateKeyBlobLength, DSS1, DSS2 } from './dss-key-blob.ts';
import {
  BLOB_HEADER_LENGTH,
  BLOB_VERSION,
  BLOB_VERSION_3,
  readAnyBlobHeader,
  writeBlobHeader,
} from './key-blob-header.ts';
import { privateKeyBlobLength } from './private-key-blob.ts';
import { RSA1, RSA2 } from './rsa-bounds.ts';
import { VER3_MAGICS } from './ver3-key-blob.ts';

/** A private key under a session key. */
export interface EncryptedPrivateKeyBlob {
  readonly type: 'encrypted-PRIVATEKEYBLOB';
  /** bVersion of the blob inside: 2, or 3 for DSS and Diffie-Hellman with CRYPT_BLOB_VER3. */
  readonly version: number;
  /** aiKeyAlg: of the private key inside. */
  readonly algId: number;
  /** All that follows the header. */
  readonly ciphertext: Uint8Array;
}

/**
 * Reads a PRIVATEKEYBLOB that is encrypted.
 *
 * What is not a private key at all cannot be told from one that is encrypted: only the right session key proves it.
 *
 * @returns `ciphertext` is a fresh array: all that follows the header.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also where the blob is not encrypted, or has a length that no private key has under
 * any cipher; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER); BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for a key that no provider exports.
 */
export function decodeEncryptedPrivateKeyBlob(bytes: Uint8Array): EncryptedPrivateKeyBlob {
  const r = new BlobReader(bytes, FORMAT);
  const { version, algId } = readAnyBlobHeader(r, 'PRIVATEKEYBLOB');
  if (!isRsa(algId) && !isDss(algId) && !isDh(algId)) {
    const got = `0x${algId.toString(16)}`;
    r.failAt(4, 'aiKeyAlg', `no private key is a ${got}`, 'BLOB_ALGORITHM_UNSUPPORTED');
  }
  if (r.left > MAX_CIPHERTEXT || !isCiphertextLength(r.left, version, algId))
    r.fail('ciphertext', `no private key has ${r.left} bytes under any cipher`);
  const at = r.offset;
  const ciphertext = r.rest('ciphertext');
  if (MAGICS.has(firstU32(ciphertext))) r.failAt(at, 'ciphertext', 'this is not encrypted');
  return { type: 'encrypted-PRIVATEKEYBLOB', version, algId, ciphertext: copyBytes(ciphertext) };
}

/**
 * Writes a PRIVATEKEYBLOB that is encrypted.
 *
 * @param blob - `type` may be left out.
 * @returns 8 bytes more than the ciphertext; a fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a version other than 2 and 3.
 */
export function encodeEncryptedPrivateKeyBlob(
  blob: Omit<EncryptedPrivateKeyBlob, 'type'>,
): Uint8Array {
  const { version, algId, ciphertext } = blob;
  if (version !== BLOB_VERSION && version !== BLOB_VERSION_3)
    throw new KeyStoreError('PARAMETER_INVALID', `version: want 2 or 3, got ${version}`);
  const writer = new BlobWriter(BLOB_HEADER_LENGTH + ciphertext.length);
  return writeBlobHeader(writer, 'PRIVATEKEYBLOB', algId, version).bytes(ciphertext).finish();
}

/**
 * Is this PRIVATEKEYBLOB encrypted, and not one in the clear that is damaged?
 *
 * A blob whose magic alone is wrong still has the length that its bitlen tells of; ciphertext agrees with itself so once in 2^32.
 */
export function looksEncrypted(
  bytes: Uint8Array,
  { version, algId }: { readonly version: number; readonly algId: number },
): boolean {
  const ciphertext = bytes.subarray(BLOB_HEADER_LENGTH);
  return (
    ciphertext.length <= MAX_CIPHERTEXT &&
    isCiphertextLength(ciphertext.length, version, algId) &&
    !MAGICS.has(firstU32(ciphertext)) &&
    !isClearLength(bytes, algId)
  );
}

/** Has the blob exactly the length that its bitlen would tell of, were it in the clear? */
function isClearLength(bytes: Uint8Array, algId: number): boolean {
  const bits = firstU32(bytes.subarray(BITLEN_OFFSET));
  if (bits > MAX_CIPHERTEXT) return false;
  if (isRsa(algId)) return bytes.length === privateKeyBlobLength(bits);
  if (isDss(algId)) return bytes.length === dssPrivateKeyBlobLength(bits);
  return bytes.length === dhPrivateKeyBlobLength(bits);
}

/** Can the ciphertext of such a key have this length: whole blocks of 8 bytes, or under a stream cipher that of the key itself? */
function isCiphertextLength(length: number, version: number, algId: number): boolean {
  if (isRsa(algId))
    return length >= MIN_RSA && (length % 8 === 0 || RSA_REMAINDERS.includes(length % 9));
  return length >= MIN_DSS_OR_DH && (length % 8 === 0 || version === BLOB_VERSION_3);
}

function firstU32(bytes: Uint8Array): number {
  if (bytes.length < 4) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}

const FORMAT = 'PRIVATEKEYBLOB (encrypted)';
const MAGICS = new Set([RSA1, RSA2, DSS1, DSS2, DH1, DH2, ...VER3_MAGICS]);
const BITLEN_OFFSET = BLOB_HEADER_LENGTH + 4;
/** RSA of 384 bits. */
const MIN_RSA = privateKeyBlobLength(384) - BLOB_HEADER_LENGTH;
/** DSS or Diffie-Hellman of 512 bits. */
const MIN_DSS_OR_DH = Math.min(dssPrivateKeyBlobLength(512), dhPrivateKeyBlobLength(512)) - 8;
/** Of RSA, 12 + 2B + 5H, where B is 2H or 2H - 1: the length modulo 9. */
const RSA_REMAINDERS: readonly number[] = [12 % 9, 10 % 9];
/** Six numbers of 16384 bits, the largest key of version 3, and what stands before them. */
const MAX_CIPHERTEXT = 6 * 2048 + 64;
