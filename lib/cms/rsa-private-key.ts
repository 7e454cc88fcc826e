/**
 * RSAPrivateKey, and PKCS#8 of it, read as views and written in place, so that no number of it is copied on the way.
 *
 *   PrivateKeyInfo ::= SEQUENCE { version 0, rsaEncryption, OCTET STRING of RSAPrivateKey }                     RFC 5208 section 5
 *   RSAPrivateKey ::= SEQUENCE { version 0, modulus, publicExponent, privateExponent, prime1, prime2,
 *                                exponent1, exponent2, coefficient INTEGER }                                    RFC 8017 A.1.2
 */
import {
  derLength,
  derUnsigned,
  derValue,
  writeDerInto,
  type DerPart,
} from '../bytes/der-layout.ts';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer, NULL, sequence } from '../bytes/der-writer.ts';
import { OID } from './oids.ts';
import { privateKeyInfo } from './private-key-info.ts';

/** The private numbers of RSAPrivateKey, big-endian; leading zeros do not matter. */
export interface RsaPrivateNumbers {
  /** d */
  readonly privateExponent: Uint8Array;
  /** p */
  readonly prime1: Uint8Array;
  /** q */
  readonly prime2: Uint8Array;
  /** d mod p-1 */
  readonly exponent1: Uint8Array;
  /** d mod q-1 */
  readonly exponent2: Uint8Array;
  /** q^-1 mod p */
  readonly coefficient: Uint8Array;
}

/** A key with an exponent of at most 32 bits, which is what CryptoAPI and CNG hold. */
export interface RsaPrivateKey extends RsaPrivateNumbers {
  readonly modulus: Uint8Array;
  /** publicExponent */
  readonly exponent: number;
}

/** Reads PKCS#8 of RSA in its one DER form: views of `der`, without leading zeros. */
export function decodeRsaPkcs8(der: Uint8Array): RsaPrivateKey {
  const outer = new DerReader(der, 'PrivateKeyInfo');
  const info = outer.enter(TAG.SEQUENCE, 'PrivateKeyInfo');
  outer.end();
  info.expect(V0, 'version').expect(RSA_ALGORITHM, 'algorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  const wrapper = info.enter(TAG.OCTET_STRING, 'privateKey');
  info.end();
  return readRsaPrivateKey(wrapper, (r) => ({
    exponent: r.integer('publicExponent', { min: 1 }),
  }));
}

/**
 * Reads an RSAPrivateKey that ends what `wrapper` is over: views, without leading zeros.
 *
 * @param readExponent - Reads publicExponent, in the form that the caller wants it in.
 */
export function readRsaPrivateKey<Exponent extends object>(
  wrapper: DerReader,
  readExponent: (r: DerReader) => Exponent,
): { readonly modulus: Uint8Array } & Exponent & RsaPrivateNumbers {
  const r = wrapper.enter(TAG.SEQUENCE, 'RSAPrivateKey');
  wrapper.end();
  r.expect(V0, 'version');
  const modulus = r.positive('modulus');
  const exponent = readExponent(r);
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
    ...exponent,
    privateExponent,
    prime1,
    prime2,
    exponent1,
    exponent2,
    coefficient,
  };
}

/** Lays out an RSAPrivateKey. */
export function rsaPrivateKey(
  key: { readonly modulus: Uint8Array; readonly publicExponent: DerPart } & RsaPrivateNumbers,
): DerPart {
  const { privateExponent, prime1, prime2, exponent1, exponent2, coefficient } = key;
  return derValue(
    TAG.SEQUENCE,
    V0,
    derUnsigned(key.modulus),
    key.publicExponent,
    ...[privateExponent, prime1, prime2, exponent1, exponent2, coefficient].map(derUnsigned),
  );
}

/** Bytes of the PKCS#8 of this key. */
export function rsaPkcs8Length(key: RsaPrivateKey): number {
  return derLength(pkcs8Of(key));
}

/**
 * Writes PKCS#8 into `target`, which has exactly {@link rsaPkcs8Length} bytes.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a target of another length.
 */
export function encodeRsaPkcs8Into(key: RsaPrivateKey, target: Uint8Array): void {
  writeDerInto(pkcs8Of(key), target);
}

function pkcs8Of(key: RsaPrivateKey): DerPart {
  const publicExponent = integer(key.exponent);
  return privateKeyInfo(RSA_ALGORITHM, rsaPrivateKey({ ...key, publicExponent }));
}

const V0 = integer(0);
/** AlgorithmIdentifier of an RSA key. */
export const RSA_ALGORITHM = sequence(OID.rsaEncryption, NULL);
