/** Keys between CNG's blobs and what node:crypto reads: RSAFULLPRIVATEBLOB, ECCPRIVATEBLOB and PKCS#8; RSAPUBLICBLOB, ECCPUBLICBLOB and SPKI. */
import { BlobReader } from '../bytes/blob-reader.ts';
import { concatBytes } from '../bytes/octets.ts';
import {
  decodeEccPrivateBlob,
  decodeEccPublicBlob,
  eccPrivateBlobLength,
  encodeEccPrivateBlobInto,
  encodeEccPublicBlob,
  type EccPublicBlob,
} from '../blobs/cng-ecc-blob.ts';
import {
  decodeRsaFullPrivateBlob,
  decodeRsaPublicBlob,
  encodeRsaFullPrivateBlobInto,
  encodeRsaPublicBlob,
  rsaFullPrivateBlobLength,
} from '../blobs/cng-rsa-blob.ts';
import { bitLength } from '../blobs/rsa-bounds.ts';
import { FIELD_LENGTH } from '../cms/algorithms.ts';
import { decodeEcPkcs8, ecPkcs8Length, encodeEcPkcs8Into } from '../cms/ec-private-key.ts';
import { decodeRsaPkcs8 } from '../cms/rsa-private-key.ts';
import { decodeSpki, encodeEcSpki, encodeRsaSpki } from '../cms/spki.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { ecPublicPoint } from './ecdh.ts';
import { curveOf, type Curve, type KeyAlgorithm } from './key-algorithms.ts';
import { toRsaPkcs8 } from './rsa-key-blob.ts';
import { SecretBytes } from './secret-bytes.ts';

/**
 * SPKI (DER) of an RSAPUBLICBLOB or an ECCPUBLICBLOB; what an EC key is for does not stand in it.
 *
 * @returns A fresh array the caller owns.
 * @throws BlobFormatError BLOB_MALFORMED; BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for a curve other than P-256 and P-384 and for an RSA
 * modulus that is not of whole bytes.
 */
export function publicKeyFromCngBlob(blob: Uint8Array): Uint8Array {
  if (isRsa(blob)) {
    const { modulusBits, modulus, exponent } = decodeRsaPublicBlob(blob);
    if (modulusBits % 8 !== 0) refuse('RSAPUBLICBLOB', 'BitLength', 4);
    return encodeRsaSpki(modulus, exponent);
  }
  const key = decodeEccPublicBlob(blob);
  return encodeEcSpki(ownCurve(key), pointOf(key));
}

/**
 * RSAPUBLICBLOB or ECCPUBLICBLOB of an SPKI (DER).
 *
 * @param algorithm - What the key is for, which the blob says of EC keys.
 * @returns A fresh array the caller owns.
 * @throws BlobFormatError for anything but DER of a key; KeyStoreError PARAMETER_INVALID where it is not a key of `algorithm`.
 */
export function publicKeyToCngBlob(spki: Uint8Array, algorithm: KeyAlgorithm): Uint8Array {
  const key = decodeSpki(spki);
  const curve = key.type === 'ec' ? key.curve : undefined;
  if (curve !== curveOf(algorithm)) refuseAlgorithm(algorithm);
  if (key.type === 'rsa') return encodeRsaPublicBlob(key);
  return encodeEccPublicBlob({ ...eccHeader(algorithm, key.curve), ...coordinatesOf(key) });
}

/**
 * PKCS#8 of an RSAFULLPRIVATEBLOB or an ECCPRIVATEBLOB, as OpenSSL writes it. That its numbers belong together is for the importer to check.
 *
 * @param blob - The caller still owns, and wipes, it.
 * @throws BlobFormatError BLOB_MALFORMED, an RSAPRIVATEBLOB included, which lacks numbers; BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for a
 * curve other than P-256 and P-384.
 */
export function privateKeyFromCngBlob(blob: Uint8Array): SecretBytes {
  if (isRsa(blob)) {
    using key = decodeRsaFullPrivateBlob(blob);
    return toRsaPkcs8(key);
  }
  using key = decodeEccPrivateBlob(blob);
  const curve = ownCurve(key);
  const pkcs8 = new SecretBytes(ecPkcs8Length(curve));
  encodeEcPkcs8Into({ curve, point: pointOf(key), privateKey: key.privateKey }, pkcs8.bytes);
  return pkcs8;
}

/**
 * RSAFULLPRIVATEBLOB or ECCPRIVATEBLOB of a PKCS#8.
 *
 * @param pkcs8 - As node:crypto exports it; the public point of an EC key may be missing. The caller still owns, and wipes, it.
 * @param algorithm - What the key is for, which the blob says of EC keys.
 * @throws BlobFormatError BLOB_MALFORMED for anything but DER; BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for another kind of key;
 * KeyStoreError PARAMETER_INVALID for the other curve; NOT_SUPPORTED for an RSA key that the blob cannot hold: primes of different lengths, a
 * modulus under 384 or over 16384 bits.
 */
export function privateKeyToCngBlob(pkcs8: Uint8Array, algorithm: KeyAlgorithm): SecretBytes {
  if (algorithm === 'RSA') return rsaPrivateKeyToCngBlob(pkcs8);
  const { curve, privateKey, point = ecPublicPoint(curve, privateKey) } = decodeEcPkcs8(pkcs8);
  if (curve !== curveOf(algorithm)) refuseAlgorithm(algorithm);
  const parts = { ...eccHeader(algorithm, curve), ...coordinatesOf({ curve, point }), privateKey };
  const blob = new SecretBytes(eccPrivateBlobLength(parts));
  encodeEccPrivateBlobInto(parts, blob.bytes);
  return blob;
}

function rsaPrivateKeyToCngBlob(pkcs8: Uint8Array): SecretBytes {
  const key = decodeRsaPkcs8(pkcs8);
  const parts = { modulusBits: bitLength(key.modulus), ...key };
  let blob: SecretBytes | undefined;
  try {
    blob = new SecretBytes(rsaFullPrivateBlobLength(parts));
    encodeRsaFullPrivateBlobInto(parts, blob.bytes);
    return blob;
  } catch (error) {
    blob?.dispose();
    if (!KeyStoreError.is(error) || error.code !== 'PARAMETER_INVALID') throw error;
    throw new KeyStoreError('NOT_SUPPORTED', 'CNG has no blob for an RSA key of this shape');
  }
}

/** Magics of RSA begin with these three letters; anything else is left to the decoder of EC keys. */
function isRsa(blob: Uint8Array): boolean {
  return (new BlobReader(blob, 'BCRYPT_KEY_BLOB').u32le('Magic') & 0xffffff) === LETTERS_RSA;
}

/** The curve, where it is one of those that keycask has. */
function ownCurve({ type, curve }: Pick<EccPublicBlob, 'curve'> & { type: string }): Curve {
  if (curve === 'P-256' || curve === 'P-384') return curve;
  return refuse(type, 'dwMagic', 0);
}

function eccHeader(
  algorithm: KeyAlgorithm,
  curve: Curve,
): Pick<EccPublicBlob, 'algorithm' | 'curve'> {
  return { algorithm: algorithm.startsWith('ECDH') ? 'ECDH' : 'ECDSA', curve };
}

function pointOf({ x, y }: Pick<EccPublicBlob, 'x' | 'y'>): Uint8Array {
  return concatBytes(UNCOMPRESSED, x, y);
}

function coordinatesOf(key: { curve: Curve; point: Uint8Array }): Pick<EccPublicBlob, 'x' | 'y'> {
  const length = FIELD_LENGTH[key.curve];
  return { x: key.point.subarray(1, 1 + length), y: key.point.subarray(1 + length) };
}

function refuseAlgorithm(algorithm: KeyAlgorithm): never {
  throw new KeyStoreError('PARAMETER_INVALID', `this is not a key of ${algorithm}`);
}

function refuse(format: string, field: string, offset: number): never {
  const problem = 'keycask has no keys of this kind';
  throw new BlobFormatError({ format, field, offset, problem }, 'BLOB_ALGORITHM_UNSUPPORTED');
}

/** "RSA", little-endian. */
const LETTERS_RSA = 0x415352;
const UNCOMPRESSED = Uint8Array.of(0x04);
