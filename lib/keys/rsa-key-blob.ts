/** RSA keys between CryptoAPI's blobs and what node:crypto reads: PRIVATEKEYBLOB and PKCS#8, PUBLICKEYBLOB and SPKI. */
import type { ALG_ID } from '../blobs/alg-id.ts';
import {
  decodePrivateKeyBlob,
  encodePrivateKeyBlobInto,
  privateKeyBlobLength,
  type DecodePrivateKeyBlobOptions,
  type PrivateKeyBlob,
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
  using recomputed = privateExponentOf(decoded);
  return toRsaPkcs8({ ...decoded, privateExponent: recomputed.bytes });
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

/** d = e^-1 mod lcm(p-1, q-1), the form that CryptoAPI writes. */
function privateExponentOf(blob: PrivateKeyBlob): SecretBytes {
  const p1 = toBigInt(blob.prime1) - 1n;
  const q1 = toBigInt(blob.prime2) - 1n;
  if (p1 < 1n || q1 < 1n) refuse(blob.type, 'prime1', 20, 'not a prime');
  const lcm = (p1 / gcd(p1, q1)) * q1;
  const d = inverse(BigInt(blob.exponent), lcm);
  if (d === undefined) return refuse(blob.type, 'pubexp', 16, 'has no inverse');
  const out = new SecretBytes(blob.modulus.length);
  let rest = d;
  for (let i = out.length - 1; i >= 0; i--, rest >>= 8n) out.bytes[i] = Number(rest & 0xffn);
  return out;
}

function toBigInt(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function inverse(a: bigint, modulus: bigint): bigint | undefined {
  let [r, next] = [modulus, a % modulus];
  let [t, nextT] = [0n, 1n];
  while (next !== 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [t, nextT] = [nextT, t - quotient * nextT];
  }
  if (r !== 1n) return undefined;
  return t < 0n ? t + modulus : t;
}
