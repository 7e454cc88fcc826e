/**
 * PKCS#8 of an RSA private key, read as views and written in place, so that no number of it is copied on the way.
 *
 *   PrivateKeyInfo ::= SEQUENCE { version 0, rsaEncryption, OCTET STRING of RSAPrivateKey }                     RFC 5208 section 5
 *   RSAPrivateKey ::= SEQUENCE { version 0, modulus, publicExponent, privateExponent, prime1, prime2,
 *                                exponent1, exponent2, coefficient INTEGER }                                    RFC 8017 A.1.2
 */
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer, NULL, sequence } from '../bytes/der-writer.ts';
import { OID } from './oids.ts';
import { KeyStoreError } from '../errors.ts';

/** All numbers big-endian; leading zeros do not matter. */
export interface RsaPrivateKey {
  readonly modulus: Uint8Array;
  /** publicExponent */
  readonly exponent: number;
  readonly privateExponent: Uint8Array;
  readonly prime1: Uint8Array;
  readonly prime2: Uint8Array;
  readonly exponent1: Uint8Array;
  readonly exponent2: Uint8Array;
  readonly coefficient: Uint8Array;
}

/** Reads PKCS#8 of RSA in its one DER form: views of `der`, without leading zeros. */
export function decodeRsaPkcs8(der: Uint8Array): RsaPrivateKey {
  const outer = new DerReader(der, 'PrivateKeyInfo');
  const info = outer.enter(TAG.SEQUENCE, 'PrivateKeyInfo');
  outer.end();
  info.expect(V0, 'version').expect(RSA_ALGORITHM, 'algorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  const wrapper = info.enter(TAG.OCTET_STRING, 'privateKey');
  info.end();
  const r = wrapper.enter(TAG.SEQUENCE, 'RSAPrivateKey');
  wrapper.end();
  r.expect(V0, 'version');
  const modulus = r.positive('modulus');
  const exponent = r.integer('publicExponent', { min: 1 });
  const [privateExponent, prime1, prime2] = [
    r.positive('privateExponent'),
    r.positive('prime1'),
    r.positive('prime2'),
  ];
  const [exponent1, exponent2] = [r.positive('exponent1'), r.positive('exponent2')];
  const coefficient = r.positive('coefficient');
  r.end();
  return {
    modulus,
    exponent,
    privateExponent,
    prime1,
    prime2,
    exponent1,
    exponent2,
    coefficient,
  };
}

/** Bytes of the PKCS#8 of this key. */
export function rsaPkcs8Length(key: RsaPrivateKey): number {
  return lengthsOf(key).total;
}

/** Writes PKCS#8 into `target`, which has exactly {@link rsaPkcs8Length} bytes. */
export function encodeRsaPkcs8Into(key: RsaPrivateKey, target: Uint8Array): void {
  const lengths = lengthsOf(key);
  if (target.length !== lengths.total)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `target: want ${lengths.total} bytes, got ${target.length}`,
    );
  let at = 0;
  const bytes = (value: Uint8Array): void => {
    target.set(value, at);
    at += value.length;
  };
  const header = (tag: number, length: number): void => {
    target[at++] = tag;
    const more = headerLength(length) - 2;
    target[at++] = more === 0 ? length : 0x80 | more;
    for (let shift = 8 * (more - 1); shift >= 0; shift -= 8) target[at++] = length >>> shift;
  };
  header(TAG.SEQUENCE, lengths.info);
  bytes(V0);
  bytes(RSA_ALGORITHM);
  header(TAG.OCTET_STRING, lengths.privateKey);
  header(TAG.SEQUENCE, lengths.numbers);
  bytes(V0);
  for (const part of partsOf(key)) {
    if (typeof part === 'number') {
      bytes(integer(part));
      continue;
    }
    const number = significant(part);
    header(TAG.INTEGER, integerLength(number));
    if (integerLength(number) > number.length) target[at++] = 0;
    bytes(number);
  }
}

/** In the order of RSAPrivateKey, after its version. */
function partsOf(key: RsaPrivateKey): (Uint8Array | number)[] {
  const { modulus, exponent, privateExponent, prime1, prime2, exponent1, exponent2 } = key;
  return [
    modulus,
    exponent,
    privateExponent,
    prime1,
    prime2,
    exponent1,
    exponent2,
    key.coefficient,
  ];
}

/** Contents lengths from the inside out, and the length of all. */
function lengthsOf(key: RsaPrivateKey) {
  let numbers = V0.length;
  for (const part of partsOf(key)) {
    numbers +=
      typeof part === 'number' ? integer(part).length : whole(integerLength(significant(part)));
  }
  const privateKey = whole(numbers);
  const info = V0.length + RSA_ALGORITHM.length + whole(privateKey);
  return { numbers, privateKey, info, total: whole(info) };
}

function significant(number: Uint8Array): Uint8Array {
  let first = 0;
  while (first < number.length - 1 && number[first] === 0) first++;
  return number.subarray(first);
}

/** Contents of an INTEGER: one more byte where the top bit is set. */
function integerLength(number: Uint8Array): number {
  return number.length + ((number[0] ?? 0) >>> 7);
}

function headerLength(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  return length < 0x10000 ? 4 : 5;
}

const whole = (length: number): number => headerLength(length) + length;

const V0 = integer(0);
const RSA_ALGORITHM = sequence(OID.rsaEncryption, NULL);
