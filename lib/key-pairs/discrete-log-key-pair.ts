/** DSA and Diffie-Hellman key pairs: keys in the integers modulo a prime. */
import { copyBytes } from '../bytes/octets.ts';
import { owned } from '../bytes/owned.ts';
import type { DhParameters } from '../cms/dh-key.ts';
import type { DsaParameters } from '../cms/dsa-key.ts';
import { fromBigInt, power, toBigInt } from './big-numbers.ts';
import { checkOdd, isLess, positive, refuse } from './key-numbers.ts';

/** What p and q were made from (FIPS 186-4 appendix A.1), for those who want to make them again. No key needs it. */
export interface DomainValidation {
  /** As it was hashed: big-endian where a format reverses it. */
  readonly seed: Uint8Array;
  readonly counter: number;
  /** How q was made, where the format says it; else SHA1 of FIPS 186-2. */
  readonly hashAlgorithm?: 'SHA1' | 'SHA256' | 'SHA512';
  readonly standardVersion?: 'FIPS186-2' | 'FIPS186-3';
}

/** A DSA key: numbers big-endian, without leading zeros. */
export interface DsaKeyPair extends Disposable {
  readonly type: 'DSA';
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly g: Uint8Array;
  /** y = g^x mod p */
  readonly publicKey: Uint8Array;
  /** x, 1 to q - 1. Absent of a public key. */
  readonly privateKey?: Uint8Array;
  readonly validation?: DomainValidation;
}

/** A Diffie-Hellman key: numbers big-endian, without leading zeros. */
export interface DhKeyPair extends Disposable {
  readonly type: 'DH';
  readonly p: Uint8Array;
  readonly g: Uint8Array;
  /** Order of g, where the format has it. */
  readonly q?: Uint8Array;
  /** (p - 1) / q, where the format has it. */
  readonly j?: Uint8Array;
  /** y = g^x mod p */
  readonly publicKey: Uint8Array;
  /** x, 1 to p - 1. Absent of a public key. */
  readonly privateKey?: Uint8Array;
  readonly validation?: DomainValidation;
}

/** What a DSA key pair is made of; a private key's y may be left out. */
export interface DsaKeyNumbers extends DsaParameters {
  /** y */
  readonly publicKey?: Uint8Array;
  /** x */
  readonly privateKey?: Uint8Array;
  readonly validation?: DomainValidation;
}

/** What a Diffie-Hellman key pair is made of; a private key's y may be left out. */
export interface DhKeyNumbers extends DhParameters {
  /** y */
  readonly publicKey?: Uint8Array;
  /** x */
  readonly privateKey?: Uint8Array;
}

/**
 * Makes a DSA key pair of its numbers, big-endian.
 *
 * A missing y is computed from x in bigints, which cannot be wiped. That a given y belongs to x is for {@link checkKeyPair} to say.
 *
 * @returns Copies of the numbers, which disposing of the result wipes. The caller still owns what it gave.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no DSA key has.
 */
export function dsaKeyPair(numbers: DsaKeyNumbers): DsaKeyPair {
  const { p, g } = groupOf(numbers);
  const q = positive('q', numbers.q, p.length);
  checkOdd('q', q);
  const secret = numbers.privateKey && positive('privateKey', numbers.privateKey, q.length);
  if (secret && !isLess(secret, q)) refuse('privateKey', 'want less than q');
  const facts = { type: 'DSA' as const, ...validationOf(numbers) };
  return pairOf(facts, { p, q, g }, { publicKey: numbers.publicKey, privateKey: secret });
}

/**
 * Makes a Diffie-Hellman key pair of its numbers, big-endian, as {@link dsaKeyPair} does.
 *
 * @returns Copies of the numbers, which disposing of the result wipes. The caller still owns what it gave.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no Diffie-Hellman key has.
 */
export function dhKeyPair(numbers: DhKeyNumbers): DhKeyPair {
  const { p, g } = groupOf(numbers);
  const { q, j } = numbers;
  const secret = numbers.privateKey && positive('privateKey', numbers.privateKey, p.length);
  if (secret && !isLess(secret, p)) refuse('privateKey', 'want less than p');
  const more = {
    ...(q && { q: positive('q', q, p.length) }),
    ...(j && { j: positive('j', j, p.length) }),
  };
  const facts = { type: 'DH' as const, ...validationOf(numbers) };
  const halves = { publicKey: numbers.publicKey, privateKey: secret };
  return pairOf(facts, { p, g, ...more }, halves);
}

interface Halves {
  readonly publicKey: Uint8Array | undefined;
  readonly privateKey: Uint8Array | undefined;
}

function pairOf<Facts extends object, Domain extends Group & Record<string, Uint8Array>>(
  facts: Facts,
  domain: Domain,
  { publicKey, privateKey }: Halves,
): Facts & Domain & { publicKey: Uint8Array; privateKey?: Uint8Array } & Disposable {
  const y = publicKey
    ? positive('publicKey', publicKey, domain.p.length)
    : publicKeyOf(domain, privateKey);
  if (!isLess(y, domain.p)) refuse('publicKey', 'want less than p');
  if (!privateKey) return owned(facts, { ...domain, publicKey: y }, []);
  return owned(facts, { ...domain, publicKey: y, privateKey }, ['privateKey']);
}

interface Group {
  readonly p: Uint8Array;
  readonly g: Uint8Array;
}

function groupOf(numbers: Group): Group {
  const p = positive('p', numbers.p);
  checkOdd('p', p);
  const g = positive('g', numbers.g, p.length);
  if (!isLess(g, p)) refuse('g', 'want less than p');
  return { p, g };
}

/** g^x mod p */
function publicKeyOf({ p, g }: Group, x: Uint8Array | undefined): Uint8Array {
  if (x === undefined) return refuse('publicKey', 'missing');
  if (p.length > MAX_COMPUTED) refuse('publicKey', 'missing, and p is too long to compute it');
  const y = power(toBigInt(g), toBigInt(x), toBigInt(p));
  return positive('publicKey', fromBigInt(y));
}

function validationOf({ validation }: { readonly validation?: DomainValidation }): {
  validation?: DomainValidation;
} {
  if (!validation) return {};
  return { validation: { ...validation, seed: copyBytes(validation.seed) } };
}

/** 8192 bits: that takes a second; four times as long with each doubling, and more. No DSA key and no group of RFC 3526 has more. */
const MAX_COMPUTED = 1024;
