/**
 * Diffie-Hellman keys in DER.
 *
 *   dhKeyAgreement, DHParameter ::= SEQUENCE { prime, base INTEGER, privateValueLength INTEGER OPTIONAL }              PKCS #3 section 9
 *   dhpublicnumber, DomainParameters ::= SEQUENCE { p, g, q INTEGER, j INTEGER OPTIONAL,
 *                     validationParms SEQUENCE { seed BIT STRING, pgenCounter INTEGER } OPTIONAL }                     RFC 3279 section 2.3.3
 *   PKCS#8: OCTET STRING of x INTEGER; SubjectPublicKeyInfo: BIT STRING of y INTEGER
 *
 * All numbers big-endian; leading zeros do not matter when they are written. privateValueLength is passed over: a key that is there has its length.
 */
import { derUnsigned, derValue, type DerPart } from '../bytes/der-layout.ts';
import type { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { bitString, integer } from '../bytes/der-writer.ts';
import { OID } from './oids.ts';

/** What keys share. */
export interface DhParameters {
  readonly p: Uint8Array;
  readonly g: Uint8Array;
  /** Order of g. PKCS #3 does not have it. */
  readonly q?: Uint8Array;
  /** (p - 1) / q */
  readonly j?: Uint8Array;
  /** What p and q were made from. */
  readonly validation?: { readonly seed: Uint8Array; readonly counter: number };
}

/** Reads DHParameter, behind the object identifier: views, without leading zeros. */
export function readDhParameters(algorithm: DerReader): DhParameters {
  const r = algorithm.enter(TAG.SEQUENCE, 'DHParameter');
  algorithm.end();
  const parameters = { p: r.positive('prime'), g: r.positive('base') };
  if (r.peek() === TAG.INTEGER) r.integer('privateValueLength');
  r.end();
  return parameters;
}

/** Reads DomainParameters, behind the object identifier: views, without leading zeros. */
export function readX942Parameters(algorithm: DerReader): DhParameters {
  const r = algorithm.enter(TAG.SEQUENCE, 'DomainParameters');
  algorithm.end();
  const numbers = { p: r.positive('p'), g: r.positive('g'), q: r.positive('q') };
  const j = r.peek() === TAG.INTEGER ? { j: r.positive('j') } : {};
  const validation = r.peek() === TAG.SEQUENCE ? { validation: readValidation(r) } : {};
  r.end();
  return { ...numbers, ...j, ...validation };
}

/** Lays out the AlgorithmIdentifier of a Diffie-Hellman key: dhpublicnumber where q is known, dhKeyAgreement where not. */
export function dhAlgorithm({ p, g, q, j, validation }: DhParameters): DerPart {
  if (q === undefined) {
    const parameters = derValue(TAG.SEQUENCE, derUnsigned(p), derUnsigned(g));
    return derValue(TAG.SEQUENCE, OID.dhKeyAgreement, parameters);
  }
  const parameters = [p, g, q, ...(j ? [j] : [])].map(derUnsigned);
  const proof = validation
    ? [derValue(TAG.SEQUENCE, bitString(validation.seed), integer(validation.counter))]
    : [];
  return derValue(
    TAG.SEQUENCE,
    OID.dhPublicNumber,
    derValue(TAG.SEQUENCE, ...parameters, ...proof),
  );
}

function readValidation(outer: DerReader): { seed: Uint8Array; counter: number } {
  const r = outer.enter(TAG.SEQUENCE, 'validationParms');
  const bits = r.read(TAG.BIT_STRING, 'seed');
  if (bits.length < 2 || bits[0] !== 0) r.fail('seed', 'want whole bytes');
  const counter = r.integer('pgenCounter');
  r.end();
  return { seed: bits.subarray(1), counter };
}
