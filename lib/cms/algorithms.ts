/** Names of curves and signature schemes. */

export type Curve = 'P-256' | 'P-384';

/** Bytes of a coordinate of a point, of a private key, and of each half of a signature. */
export const FIELD_LENGTH = { 'P-256': 32, 'P-384': 48 } as const;

/** ECDSA signatures are DER (Ecdsa-Sig-Value) from every provider. */
export type SignatureScheme =
  | 'rsa-pkcs1-sha256'
  | 'rsa-pss-sha256'
  | 'ecdsa-sha256'
  | 'ecdsa-sha384';

/** The hash of a signature scheme, by its name in node:crypto. */
export function schemeHash(scheme: SignatureScheme): 'sha256' | 'sha384' {
  return scheme === 'ecdsa-sha384' ? 'sha384' : 'sha256';
}
