/**
 * DSA keys in DER.
 *
 *   AlgorithmIdentifier: id-dsa, Dss-Parms ::= SEQUENCE { p, q, g INTEGER }                            RFC 3279 section 2.3.2
 *   PKCS#8: OCTET STRING of x INTEGER; SubjectPublicKeyInfo: BIT STRING of y INTEGER                   RFC 5208; RFC 3279 section 2.3.2
 *   DSAPrivateKey ::= SEQUENCE { version 0, p, q, g, y, x INTEGER }                                    OpenSSL's older format
 *
 * All numbers big-endian; leading zeros do not matter when they are written.
 */
import { derUnsigned, derValue, type DerPart } from '../bytes/der-layout.ts';
import type { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer } from '../bytes/der-writer.ts';
import { OID } from './oids.ts';

/** What keys share. */
export interface DsaParameters {
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly g: Uint8Array;
}

/** All numbers of a DSA key. */
export interface DsaPrivateKey extends DsaParameters {
  /** y */
  readonly publicKey: Uint8Array;
  /** x */
  readonly privateKey: Uint8Array;
}

/** Reads Dss-Parms, behind the object identifier: views, without leading zeros. */
export function readDsaParameters(algorithm: DerReader): DsaParameters {
  const r = algorithm.enter(TAG.SEQUENCE, 'Dss-Parms');
  algorithm.end();
  const parameters = readParameters(r);
  r.end();
  return parameters;
}

/** Lays out the AlgorithmIdentifier of a DSA key. */
export function dsaAlgorithm({ p, q, g }: DsaParameters): DerPart {
  const parameters = derValue(TAG.SEQUENCE, derUnsigned(p), derUnsigned(q), derUnsigned(g));
  return derValue(TAG.SEQUENCE, OID.dsa, parameters);
}

/** Reads a DSAPrivateKey: views, without leading zeros. */
export function readDsaPrivateKey(outer: DerReader): DsaPrivateKey {
  const r = outer.enter(TAG.SEQUENCE, 'DSAPrivateKey');
  outer.end();
  r.expect(V0, 'version');
  const parameters = readParameters(r);
  const [publicKey, privateKey] = [r.positive('y'), r.positive('x')];
  r.end();
  return { ...parameters, publicKey, privateKey };
}

/** Lays out a DSAPrivateKey. */
export function dsaPrivateKey({ p, q, g, publicKey, privateKey }: DsaPrivateKey): DerPart {
  return derValue(TAG.SEQUENCE, V0, ...[p, q, g, publicKey, privateKey].map(derUnsigned));
}

function readParameters(r: DerReader): DsaParameters {
  return { p: r.positive('p'), q: r.positive('q'), g: r.positive('g') };
}

const V0 = integer(0);
