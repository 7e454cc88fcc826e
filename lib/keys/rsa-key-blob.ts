/** RSA keys between CryptoAPI's blobs and what node:crypto reads: PRIVATEKEYBLOB and PKCS#8, PUBLICKEYBLOB and SPKI. */
import type { ALG_ID } from '../blobs/alg-id.ts';
import {
  decodePrivateKeyBlob,
  encodePrivateKeyBlobInto,
  privateKeyBlobLength,
  type DecodePrivateKeyBlobOptions,
} from '../blobs/private-key-blob.ts';
import { decodePublicKeyBlob, encodePublicKeyBlob } from '../blobs/public-key-blob.ts';
import type { DecodeBlobOptions } from '../blobs/key-blob-header.ts';
import { bitLength } from '../blobs/rsa-bounds.ts';
import {
  decodeRsaPkcs8,
  encodeRsaPkcs8Into,
  rsaPkcs8Length,
  type RsaPrivateKey,
} from '../cms/rsa-private-key.ts';
import { decodeSpki, encodeRsaSpki } from '../cms/spki.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { exponentBytes } from '../key-pairs/key-numbers.ts';
import { privateExponentOf } from '../key-pairs/rsa-numbers.ts';
import { SecretBytes } from './secret-bytes.ts';

/** aiKeyAlg of an RSA key: which slot of a container it is for. */
export type RsaAlgId = typeof ALG_ID.CALG_RSA_KEYX | typeof ALG_ID.CALG_RSA_SIGN;

/**
 * PKCS#8 of a PRIVATEKEYBLOB. That its numbers belong together is for the importer to check.
 *
 * @param blob - The caller still owns, and wipes, it.
 * @param options - With `shortTail: 'allow'` a missing d is computed from p and q; that is done in bigints, which cannot be wiped.
 * @throws BlobFormatError BLOB_MALFORMED; BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for an exponent that encrypts nothing.
 */
export function rsaPrivateKeyFromBlob(
  blob: Uint8Array,
  options: DecodePrivateKeyBlobOptions = {},
): SecretBytes {
  using decoded = decodePrivateKeyBlob(blob, options);
  checkExponent('PRIVATEKEYBLOB', decoded.exponent);
  if (decoded.privateExponent)
    return toRsaPkcs8({ ...decoded, privateExponent: decoded.privateExponent });
  const publicExponent = exponentBytes(decoded.exponent);
  const recomputed = privateExponentOf({ ...decoded, publicExponent }, decoded.modulus.length);
  if (recomputed === undefined)
    return refuse(decoded.type, 'pubexp', 16, 'has no inverse modulo p-1 and q-1');
  using privateExponent = SecretBytes.take(recomputed);
  return toRsaPkcs8({ ...decoded, privateExponent: privateExponent.bytes });
}

/**
 * PRIVATEKEYBLOB of a PKCS#8.
 *
 * @param pkcs8 - The caller still owns, and wipes, it.
 * @throws BlobFormatError for anything but DER of an RSA key; KeyStoreError NOT_SUPPORTED for a key that a PRIVATEKEYBLOB cannot hold:
 * an exponent over 32 bits, primes of different lengths.
 */
export function rsaPrivateKeyToBlob(pkcs8: Uint8Array, algId: RsaAlgId): SecretBytes {
  const key = decodeRsaPkcs8(pkcs8);
  const modulusBits = bitLength(key.modulus);
  const blob = new SecretBytes(privateKeyBlobLength(modulusBits));
  try {
    encodePrivateKeyBlobInto({ algId, modulusBits, ...key }, blob.bytes);
    return blob;
  } catch (error) {
    blob.dispose();
    if (!KeyStoreError.is(error) || error.code !== 'PARAMETER_INVALID') throw error;
    throw new KeyStoreError('NOT_SUPPORTED', 'CryptoAPI has no blob for an RSA key of this shape');
  }
}

/** SPKI (DER) of a PUBLICKEYBLOB. Throws as {@link rsaPrivateKeyFromBlob} does. */
export function rsaPublicKeyFromBlob(
  blob: Uint8Array,
  options: DecodeBlobOptions = {},
): Uint8Array {
  const { modulus, exponent } = decodePublicKeyBlob(blob, options);
  checkExponent('PUBLICKEYBLOB', exponent);
  if (!(modulus[0]! & 0x80)) refuse('PUBLICKEYBLOB', 'modulus', 20, 'shorter than its field');
  return encodeRsaSpki(modulus, exponent);
}

/** PUBLICKEYBLOB of an SPKI (DER) of RSA. */
export function rsaPublicKeyToBlob(spki: Uint8Array, algId: RsaAlgId): Uint8Array {
  const key = decodeSpki(spki);
  if (key.type !== 'rsa') throw new KeyStoreError('NOT_SUPPORTED', 'this is not an RSA key');
  return encodePublicKeyBlob({ algId, ...key });
}

/** PKCS#8 of the numbers of an RSA key. */
export function toRsaPkcs8(key: RsaPrivateKey): SecretBytes {
  const pkcs8 = new SecretBytes(rsaPkcs8Length(key));
  encodeRsaPkcs8Into(key, pkcs8.bytes);
  return pkcs8;
}

/** Under e = 1 the ciphertext is the plaintext; an even e has no d. */
function checkExponent(format: string, exponent: number): void {
  if (exponent < 3 || exponent % 2 === 0)
    refuse(format, 'pubexp', 16, `an exponent of ${exponent} encrypts nothing`);
}

// oxlint-disable-next-line max-params -- the place of a fault
function refuse(format: string, field: string, offset: number, problem: string): never {
  throw new BlobFormatError({ format, field, offset, problem }, 'BLOB_ALGORITHM_UNSUPPORTED');
}
