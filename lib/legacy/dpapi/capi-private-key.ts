/** PRIVATEKEYBLOBs of what a container's file has under DPAPI: RSA keys of BSAFE's form, and x of DSS keys. Source: mimikatz kull_m_key.c. */
import { ALG_ID } from '../../blobs/alg-id.ts';
import { encodePrivateKeyBlobInto, privateKeyBlobLength } from '../../blobs/private-key-blob.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { BlobFormatError, KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { decodeCapiRsaPrivateKey } from '../../windows-files/capi-key.ts';

/**
 * The PRIVATEKEYBLOB of a slot.
 *
 * @param plaintext - What DPAPI gave. The caller still owns, and wipes, it.
 * @param slot - `publicKey` of the same slot, and whether it is the exchange key.
 * @returns RSA2 of version 2, or DSS4 of version 3; the caller disposes of it.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function privateKeyBlobOf(
  plaintext: Uint8Array,
  slot: { readonly publicKey: Uint8Array; readonly isExchange: boolean },
): SecretBytes {
  return isRsa(plaintext)
    ? rsaBlob(plaintext, slot.isExchange ? ALG_ID.CALG_RSA_KEYX : ALG_ID.CALG_RSA_SIGN)
    : dssBlob(plaintext, slot.publicKey);
}

function isRsa(plaintext: Uint8Array): boolean {
  return plaintext.length >= 4 && new BlobReader(plaintext, 'key').u32le('magic') === RSA2;
}

function rsaBlob(plaintext: Uint8Array, algId: number): SecretBytes {
  using key = decodeCapiRsaPrivateKey(plaintext);
  const blob = new SecretBytes(privateKeyBlobLength(key.modulusBits));
  try {
    encodePrivateKeyBlobInto({ ...key, algId }, blob.bytes);
    return blob;
  } catch (error) {
    blob.dispose();
    if (!KeyStoreError.is(error) || error.code !== 'PARAMETER_INVALID') throw error;
    const format = 'CryptoAPI private key';
    const problem = 'a number is longer than bitlen says';
    throw new BlobFormatError({ format, field: 'numbers', offset: 20, problem });
  }
}

/**
 * The public part is a PRIVATEKEYBLOB of version 3 that ends before x; x is what DPAPI gives.
 *
 *  off size field
 *    0    8 BLOBHEADER  07 03 0000, CALG_DSS_SIGN
 *    8    4 magic       0x34535344 "DSS4"
 *   12   12 bitlenP, bitlenQ, bitlenJ
 *   24    4 bitlenX     set here
 *   28      DSSSEED, p, q, g, j, y
 */
function dssBlob(x: Uint8Array, publicPart: Uint8Array): SecretBytes {
  const r = new BlobReader(publicPart, 'CryptoAPI DSS key');
  r.expectU8('bType', 0x07);
  r.expectU8('bVersion', 3);
  r.expectU16le('reserved', 0);
  r.expectU32le('aiKeyAlg', ALG_ID.CALG_DSS_SIGN);
  r.expectU32le('magic', DSS4);
  r.bytes('bitlenP, bitlenQ, bitlenJ, bitlenX', 16);
  const blob = new SecretBytes(publicPart.length + x.length);
  blob.bytes.set(publicPart);
  blob.bytes.set(x, publicPart.length);
  new DataView(blob.bytes.buffer).setUint32(BITLEN_X_OFFSET, 8 * x.length, true);
  return blob;
}

const RSA2 = 0x32415352;
const DSS4 = 0x34535344;
const BITLEN_X_OFFSET = 24;
