/** RSA private keys between OpenSSL's form (PKCS#1 DER) and CryptoAPI's (PRIVATEKEYBLOB). */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ALG_ID } from '../../blobs/alg-id.ts';
import {
  decodePrivateKeyBlob,
  encodePrivateKeyBlobInto,
  privateKeyBlobLength,
} from '../../blobs/private-key-blob.ts';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import type { LegacyKeySpec } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';

/** @throws KeyStoreError NOT_SUPPORTED for a key that is not RSA, or has primes of unequal length. */
export function exportPrivateKeyBlob(privateKey: KeyObject, spec: LegacyKeySpec): SecretBytes {
  if (privateKey.asymmetricKeyType !== 'rsa')
    throw new KeyStoreError('NOT_SUPPORTED', 'a PRIVATEKEYBLOB holds an RSA key');
  const modulusBits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
  const algId = spec === 'AT_SIGNATURE' ? ALG_ID.CALG_RSA_SIGN : ALG_ID.CALG_RSA_KEYX;
  using der = SecretBytes.take(privateKey.export({ format: 'der', type: 'pkcs1' }));
  // RSAPrivateKey ::= SEQUENCE { version 0, n, e, d, p, q, dP, dQ, qInv }   RFC 8017 A.1.2
  const key = new DerReader(der.bytes, 'RSAPrivateKey').enter(TAG.SEQUENCE, 'RSAPrivateKey');
  key.integer('version', { max: 0 });
  const number = (field: string) => key.read(TAG.INTEGER, field);
  const modulus = number('modulus');
  const exponent = key.integer('publicExponent', { min: 3 });
  const privateExponent = number('privateExponent');
  const prime1 = number('prime1');
  const prime2 = number('prime2');
  const exponent1 = number('exponent1');
  const exponent2 = number('exponent2');
  const coefficient = number('coefficient');
  const blob = new SecretBytes(privateKeyBlobLength(modulusBits));
  try {
    const primes = { prime1, prime2, exponent1, exponent2, coefficient };
    const numbers = { modulus, privateExponent, ...primes };
    encodePrivateKeyBlobInto({ algId, modulusBits, exponent, ...numbers }, blob.bytes);
    return blob;
  } catch {
    blob.dispose();
    throw new KeyStoreError('NOT_SUPPORTED', 'a PRIVATEKEYBLOB has no room for these primes');
  }
}

/** @throws KeyStoreError BLOB_MALFORMED. */
export function readPrivateKeyBlob(blob: SecretBytes): KeyObject {
  using key = decodePrivateKeyBlob(blob.bytes);
  const { modulus, privateExponent, prime1, prime2, exponent1, exponent2, coefficient } = key;
  if (!privateExponent) throw new KeyStoreError('BLOB_MALFORMED');
  const exponent = new Uint8Array(4);
  new DataView(exponent.buffer).setUint32(0, key.exponent);
  using der = rsaPrivateKey([
    VERSION,
    modulus,
    exponent,
    privateExponent,
    prime1,
    prime2,
    exponent1,
    exponent2,
    coefficient,
  ]);
  try {
    const { buffer, byteOffset, length } = der.bytes;
    const view = Buffer.from(buffer, byteOffset, length);
    return createPrivateKey({ key: view, format: 'der', type: 'pkcs1' });
  } catch {
    throw new KeyStoreError('BLOB_MALFORMED', 'the numbers of the blob are no RSA key');
  }
}

/** SEQUENCE of INTEGERs, written in place: der-writer copies values as they nest. */
function rsaPrivateKey(numbers: readonly Uint8Array[]): SecretBytes {
  const parts = numbers.map(significant);
  const sizes = parts.map(integerLength);
  const content = sizes.reduce((sum, size) => sum + headerLength(size) + size, 0);
  const der = new SecretBytes(headerLength(content) + content);
  let at = writeHeader(der.bytes, 0, TAG.SEQUENCE, content);
  for (const [i, part] of parts.entries()) {
    const size = sizes[i]!;
    at = writeHeader(der.bytes, at, TAG.INTEGER, size);
    der.bytes.set(part, at + size - part.length);
    at += size;
  }
  return der;
}

/** Without leading zeros: a view. */
function significant(number: Uint8Array): Uint8Array {
  let first = 0;
  while (first < number.length - 1 && number[first] === 0) first++;
  return number.subarray(first);
}

/** A zero byte in front keeps a number positive. */
const integerLength = (number: Uint8Array): number => number.length + (number[0]! >>> 7);

const headerLength = (length: number): number => (length < 0x80 ? 2 : length < 0x100 ? 3 : 4);

/** @returns Where the contents start. */
// oxlint-disable-next-line max-params -- a place, then tag and length
function writeHeader(target: Uint8Array, at: number, tag: number, length: number): number {
  target[at] = tag;
  const end = at + headerLength(length);
  if (length < 0x80) target[at + 1] = length;
  else {
    target[at + 1] = 0x80 | (end - at - 2);
    for (let i = end - 1, rest = length; i > at + 1; i--, rest >>>= 8) target[i] = rest & 0xff;
  }
  return end;
}

const VERSION = Uint8Array.of(0);
