/**
 * PUBLICKEYBLOB (RSA). Source: wincrypt.h; MS "RSAPUBKEY", "Base Provider Key BLOBs".
 *
 *  off size field            meaning
 *    0    8 BLOBHEADER       bType 0x06, aiKeyAlg = CALG_RSA_KEYX or CALG_RSA_SIGN
 *    8    4 rsapubkey.magic  0x31415352 "RSA1"
 *   12    4 rsapubkey.bitlen bits of the modulus
 *   16    4 rsapubkey.pubexp
 *   20    B modulus          little-endian, B = bitlen / 8
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { reverseBytes } from '../bytes/octets.ts';
import {
  BLOB_HEADER_LENGTH,
  endBlob,
  readBlobHeader,
  writeBlobHeader,
  type DecodeBlobOptions,
} from './key-blob-header.ts';
import { MAX_RSA_BITS, MIN_RSA_BITS, RSA1, RSAPUBKEY_LENGTH, wholeLength } from './rsa-bounds.ts';
import { KeyStoreError } from '../errors.ts';

/** The public half of an RSA key. */
export interface PublicKeyBlob {
  readonly type: 'PUBLICKEYBLOB';
  /** aiKeyAlg: CALG_RSA_KEYX or CALG_RSA_SIGN, the slot that the key came from. */
  readonly algId: number;
  /** bitlen */
  readonly modulusBits: number;
  /** pubexp. 1 is possible: a "NULL key", which encrypts nothing. */
  readonly exponent: number;
  /** Big-endian, ceil(modulusBits / 8) bytes. */
  readonly modulus: Uint8Array;
}

/**
 * Reads a PUBLICKEYBLOB of RSA.
 *
 * @returns `modulus` is a fresh array, reversed to big-endian.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodePublicKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): PublicKeyBlob {
  const r = new BlobReader(bytes, 'PUBLICKEYBLOB');
  const { algId } = readBlobHeader(r, 'PUBLICKEYBLOB');
  const { modulusBits, exponent } = readRsaPublicKey(r, RSA1);
  const modulus = reverseBytes(r.bytes('modulus', wholeLength(modulusBits)));
  endBlob(r, options);
  return { type: 'PUBLICKEYBLOB', algId, modulusBits, exponent, modulus };
}

/**
 * Writes a PUBLICKEYBLOB of RSA.
 *
 * @param blob - `type` may be left out.
 * @returns 20 bytes more than the modulus; a fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID where the modulus is longer than `modulusBits`.
 */
export function encodePublicKeyBlob(blob: Omit<PublicKeyBlob, 'type'>): Uint8Array {
  const length = wholeLength(blob.modulusBits);
  if (blob.modulus.length > length)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `modulus: want at most ${length} bytes, got ${blob.modulus.length}`,
    );
  const writer = new BlobWriter(BLOB_HEADER_LENGTH + RSAPUBKEY_LENGTH + length);
  return writeBlobHeader(writer, 'PUBLICKEYBLOB', blob.algId)
    .u32le(RSA1)
    .u32le(blob.modulusBits)
    .u32le(blob.exponent)
    .padded(reverseBytes(blob.modulus), length)
    .finish();
}

/** RSAPUBKEY, which PRIVATEKEYBLOB has too with another magic. */
export function readRsaPublicKey(
  reader: BlobReader,
  magic: number,
): { modulusBits: number; exponent: number } {
  reader.expectU32le('magic', magic);
  const modulusBits = reader.u32leIn('bitlen', { min: MIN_RSA_BITS, max: MAX_RSA_BITS });
  const exponent = reader.u32leIn('pubexp', { min: 1 });
  return { modulusBits, exponent };
}
