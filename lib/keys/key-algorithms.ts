/** Names of key pair algorithms, as CNG has them, and what each signs with. */
import type { Curve, SignatureScheme } from '../cms/algorithms.ts';

export type { Curve, SignatureScheme } from '../cms/algorithms.ts';

/** CNG algorithm identifiers (bcrypt.h). RSA's size is the property `length`. */
export type KeyAlgorithm = 'RSA' | 'ECDH_P256' | 'ECDH_P384' | 'ECDSA_P256' | 'ECDSA_P384';

/** The curve of an algorithm, or undefined for RSA. */
export function curveOf(algorithm: KeyAlgorithm): Curve | undefined {
  if (algorithm === 'RSA') return undefined;
  return algorithm.endsWith('P384') ? 'P-384' : 'P-256';
}

/** The scheme that a key signs with when nobody chose one; undefined where it cannot sign. */
export function defaultScheme(algorithm: KeyAlgorithm): SignatureScheme | undefined {
  switch (algorithm) {
    case 'RSA':
      return 'rsa-pkcs1-sha256';
    case 'ECDSA_P256':
      return 'ecdsa-sha256';
    case 'ECDSA_P384':
      return 'ecdsa-sha384';
    case 'ECDH_P256':
    case 'ECDH_P384':
      return undefined;
  }
}
