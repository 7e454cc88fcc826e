/**
 * SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) of the public keys that keycask uses.
 *
 *   SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
 *   RSA: rsaEncryption, NULL; BIT STRING of RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }   RFC 8017 A.1.1
 *   EC:  id-ecPublicKey, namedCurve; BIT STRING of the point, uncompressed: 04 ‖ X ‖ Y                              RFC 5480 section 2
 */
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { bitString, integer, sequence, tlv } from '../bytes/der-writer.ts';
import type { Curve } from './algorithms.ts';
import { OID } from './oids.ts';
import { RSA_ALGORITHM } from './rsa-private-key.ts';

export interface EcPublicKey {
  readonly type: 'ec';
  readonly curve: Curve;
  /** 04 ‖ X ‖ Y: 65 or 97 bytes. That it lies on the curve is checked when it is used. */
  readonly point: Uint8Array;
}

export interface RsaPublicKey {
  readonly type: 'rsa';
  readonly modulusBits: number;
  /** Big-endian, no leading zero. */
  readonly modulus: Uint8Array;
  readonly exponent: number;
}

export type PublicKey = EcPublicKey | RsaPublicKey;

/** AlgorithmIdentifier of an EC key. */
export const EC_ALGORITHM = {
  'P-256': sequence(OID.ecPublicKey, OID.p256),
  'P-384': sequence(OID.ecPublicKey, OID.p384),
};
/** Keeps a number with its top bit set positive (X.690 section 8.3). */
const SIGN_BYTE = Uint8Array.of(0);
export const POINT_LENGTH = { 'P-256': 65, 'P-384': 97 } as const;

export function encodeEcSpki(curve: Curve, point: Uint8Array): Uint8Array {
  return sequence(EC_ALGORITHM[curve], bitString(point));
}

/** @param modulus - Big-endian, whole bytes: its top bit is set. */
export function encodeRsaSpki(modulus: Uint8Array, exponent: number): Uint8Array {
  const key = sequence(tlv(TAG.INTEGER, SIGN_BYTE, modulus), integer(exponent));
  return sequence(RSA_ALGORITHM, bitString(key));
}

export function decodeSpki(spki: Uint8Array): PublicKey {
  const outer = new DerReader(spki, 'SubjectPublicKeyInfo');
  const info = outer.enter(TAG.SEQUENCE, 'SubjectPublicKeyInfo');
  outer.end();
  const key = info.accept(RSA_ALGORITHM) ? rsaKey(info) : ecKey(info);
  info.end();
  return key;
}

/** The parts of a SubjectPublicKeyInfo: a cursor over the contents of the algorithm, and what is in the BIT STRING. Any algorithm. */
export function readSpki(spki: Uint8Array): { algorithm: DerReader; publicKey: Uint8Array } {
  const outer = new DerReader(spki, 'SubjectPublicKeyInfo');
  const info = outer.enter(TAG.SEQUENCE, 'SubjectPublicKeyInfo');
  outer.end();
  const algorithm = info.enter(TAG.SEQUENCE, 'algorithm');
  const publicKey = wholeBytes(info);
  info.end();
  return { algorithm, publicKey };
}

/** RSAPublicKey, of any size: views, without leading zeros. */
export function readRsaPublicKey(der: Uint8Array): {
  modulus: Uint8Array;
  publicExponent: Uint8Array;
} {
  const outer = new DerReader(der, 'RSAPublicKey');
  const r = outer.enter(TAG.SEQUENCE, 'RSAPublicKey');
  outer.end();
  const key = { modulus: r.positive('modulus'), publicExponent: r.positive('publicExponent') };
  r.end();
  return key;
}

/** Contents of the BIT STRING: what a subject key identifier is made of. */
export function subjectPublicKey(spki: Uint8Array): Uint8Array {
  const info = new DerReader(spki, 'SubjectPublicKeyInfo').enter(
    TAG.SEQUENCE,
    'SubjectPublicKeyInfo',
  );
  info.read(TAG.SEQUENCE, 'algorithm');
  return info.read(TAG.BIT_STRING, 'subjectPublicKey').subarray(1);
}

function ecKey(info: DerReader): EcPublicKey {
  const curve: Curve = info.accept(EC_ALGORITHM['P-256']) ? 'P-256' : 'P-384';
  if (curve === 'P-384')
    info.expect(EC_ALGORITHM['P-384'], 'algorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  const point = wholeBytes(info);
  if (point.length !== POINT_LENGTH[curve] || point[0] !== 0x04)
    info.fail('subjectPublicKey', `want an uncompressed point of ${curve}`);
  return { type: 'ec', curve, point };
}

function rsaKey(info: DerReader): RsaPublicKey {
  const inner = new DerReader(wholeBytes(info), 'RSAPublicKey');
  const key = inner.enter(TAG.SEQUENCE, 'RSAPublicKey');
  inner.end();
  const number = key.read(TAG.INTEGER, 'modulus');
  if (number.length < 2 || number[0] !== 0 || !(number[1]! & 0x80))
    key.fail('modulus', 'want a positive number of whole bytes');
  const modulus = number.subarray(1);
  const exponent = key.integer('publicExponent', { min: 3 });
  key.end();
  return { type: 'rsa', modulusBits: modulus.length * 8, modulus, exponent };
}

function wholeBytes(info: DerReader): Uint8Array {
  const bits = info.read(TAG.BIT_STRING, 'subjectPublicKey');
  if (bits.length < 2 || bits[0] !== 0) info.fail('subjectPublicKey', 'want whole bytes');
  return bits.subarray(1);
}
