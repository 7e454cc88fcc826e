/** checkKeyPair: whether the numbers of a key pair belong together. */
import { inverse, modulo, power, toBigInt } from './big-numbers.ts';
import { ecPublicPoint, isEcPoint, x25519PublicKey } from './curves.ts';
import type { DhKeyPair, DsaKeyPair } from './discrete-log-key-pair.ts';
import type { EcKeyPair } from './ec-key-pair.ts';
import { equalBytes } from '../bytes/octets.ts';
import type { KeyPair } from './key-pair.ts';
import type { RsaKeyPair } from './rsa-key-pair.ts';

/**
 * Whether the numbers of a key pair belong together: n = p q, d undoes e, the point is on its curve, the public key is the private key's.
 *
 * That primes are prime is not checked, nor that a group is a good one. Computed in bigints, which cannot be wiped, in time that depends on the key.
 *
 * @returns What is wrong, one sentence each, without a number of the key; nothing where all is well.
 * @example
 * ```ts
 * const problems = checkKeyPair(pair);
 * if (problems.length > 0) console.error(problems.join('; '));
 * ```
 */
export function checkKeyPair(pair: KeyPair): string[] {
  switch (pair.type) {
    case 'RSA':
      return problemsOfRsa(pair);
    case 'EC':
      return problemsOfEc(pair);
    case 'X25519': {
      const { publicKey, privateKey } = pair;
      const isOwn = !privateKey || equalBytes(x25519PublicKey(privateKey), publicKey);
      return isOwn ? [] : [NOT_OWN];
    }
    case 'DSA':
    case 'DH':
      return problemsOfGroup(pair);
  }
}

function problemsOfRsa({ modulus, publicExponent, privateNumbers }: RsaKeyPair): string[] {
  if (!privateNumbers) return [];
  const [n, e] = [toBigInt(modulus), toBigInt(publicExponent)];
  const [p, q] = [toBigInt(privateNumbers.prime1), toBigInt(privateNumbers.prime2)];
  if (p < 3n || q < 3n || p * q !== n) return ['the modulus is not the product of the primes'];
  const d = toBigInt(privateNumbers.privateExponent);
  const problems: string[] = [];
  if ([p, q].some((prime) => modulo(e * d, prime - 1n) !== 1n))
    problems.push('the private exponent does not undo the public exponent');
  if (modulo(d, p - 1n) !== toBigInt(privateNumbers.exponent1))
    problems.push('exponent1 is not that of the private exponent');
  if (modulo(d, q - 1n) !== toBigInt(privateNumbers.exponent2))
    problems.push('exponent2 is not that of the private exponent');
  if (inverse(q, p) !== toBigInt(privateNumbers.coefficient))
    problems.push('the coefficient is not that of the primes');
  return problems;
}

function problemsOfEc({ curve, x, y, privateKey }: EcKeyPair): string[] {
  if (!isEcPoint(curve, { x, y })) return ['the point is not on the curve'];
  if (!privateKey) return [];
  const own = ecPublicPoint(curve, privateKey);
  return equalBytes(own.x, x) && equalBytes(own.y, y) ? [] : [NOT_OWN];
}

function problemsOfGroup(pair: DsaKeyPair | DhKeyPair): string[] {
  const [p, g, y] = [toBigInt(pair.p), toBigInt(pair.g), toBigInt(pair.publicKey)];
  const problems: string[] = [];
  if (pair.q) {
    const q = toBigInt(pair.q);
    if ((p - 1n) % q !== 0n) problems.push('q does not divide p - 1');
    else if (g < 2n || power(g, q, p) !== 1n) problems.push('g is not of order q');
  }
  const { privateKey } = pair;
  if (privateKey && power(g, toBigInt(privateKey), p) !== y) problems.push(NOT_OWN);
  return problems;
}

const NOT_OWN = 'the public key is not that of the private key';
