/** The formats that key pairs are read from and written in, and which keys each can hold. */
import type { KeyPair } from './key-pair.ts';

/** By the names that their specifications give them. */
export type KeyPairFormat =
  | 'PUBLICKEYBLOB'
  | 'PRIVATEKEYBLOB'
  | 'PUBLICKEYBLOB_VER3'
  | 'PRIVATEKEYBLOB_VER3'
  | 'PVK'
  | 'StrongNamePublicKey'
  | 'RSAPUBLICBLOB'
  | 'RSAPRIVATEBLOB'
  | 'RSAFULLPRIVATEBLOB'
  | 'ECCPUBLICBLOB'
  | 'ECCPRIVATEBLOB'
  | 'ECCFULLPUBLICBLOB'
  | 'ECCFULLPRIVATEBLOB'
  | 'DSAPUBLICBLOB'
  | 'DSAPRIVATEBLOB'
  | 'DHPUBLICBLOB'
  | 'DHPRIVATEBLOB'
  | 'RSAPublicKey'
  | 'RSAPrivateKey'
  | 'ECPrivateKey'
  | 'DSAPrivateKey'
  | 'PKCS8'
  | 'SPKI'
  | 'JWK';

/** What a key is for, where its format says so: AT_KEYEXCHANGE or AT_SIGNATURE, ECDH or ECDSA, `enc` or `sig`. */
export type KeyUse = 'exchange' | 'signature';

/** What a format can hold. */
export interface KeyPairFormatFacts {
  /** Whose it is: CryptoAPI, CNG, ASN.1 or JOSE. */
  readonly family: 'capi' | 'cng' | 'der' | 'jwk';
  /** `either`: with the private half where the pair has one. */
  readonly half: 'public' | 'private' | 'either';
  readonly types: readonly KeyPair['type'][];
  /** The label of its PEM form (RFC 7468), where it has one. */
  readonly pemLabel?: string;
}

/** The facts of each format. */
export const KEY_PAIR_FORMATS: Readonly<Record<KeyPairFormat, KeyPairFormatFacts>> = {
  PUBLICKEYBLOB: { family: 'capi', half: 'public', types: ['RSA', 'DSA', 'DH'] },
  PRIVATEKEYBLOB: { family: 'capi', half: 'private', types: ['RSA', 'DSA', 'DH'] },
  PUBLICKEYBLOB_VER3: { family: 'capi', half: 'public', types: ['DSA', 'DH'] },
  PRIVATEKEYBLOB_VER3: { family: 'capi', half: 'private', types: ['DSA', 'DH'] },
  PVK: { family: 'capi', half: 'private', types: ['RSA', 'DSA'] },
  StrongNamePublicKey: { family: 'capi', half: 'public', types: ['RSA'] },
  RSAPUBLICBLOB: { family: 'cng', half: 'public', types: ['RSA'] },
  RSAPRIVATEBLOB: { family: 'cng', half: 'private', types: ['RSA'] },
  RSAFULLPRIVATEBLOB: { family: 'cng', half: 'private', types: ['RSA'] },
  ECCPUBLICBLOB: { family: 'cng', half: 'public', types: ['EC', 'X25519'] },
  ECCPRIVATEBLOB: { family: 'cng', half: 'private', types: ['EC', 'X25519'] },
  ECCFULLPUBLICBLOB: { family: 'cng', half: 'public', types: ['EC'] },
  ECCFULLPRIVATEBLOB: { family: 'cng', half: 'private', types: ['EC'] },
  DSAPUBLICBLOB: { family: 'cng', half: 'public', types: ['DSA'] },
  DSAPRIVATEBLOB: { family: 'cng', half: 'private', types: ['DSA'] },
  DHPUBLICBLOB: { family: 'cng', half: 'public', types: ['DH'] },
  DHPRIVATEBLOB: { family: 'cng', half: 'private', types: ['DH'] },
  RSAPublicKey: { family: 'der', half: 'public', types: ['RSA'], pemLabel: 'RSA PUBLIC KEY' },
  RSAPrivateKey: { family: 'der', half: 'private', types: ['RSA'], pemLabel: 'RSA PRIVATE KEY' },
  ECPrivateKey: { family: 'der', half: 'private', types: ['EC'], pemLabel: 'EC PRIVATE KEY' },
  DSAPrivateKey: { family: 'der', half: 'private', types: ['DSA'], pemLabel: 'DSA PRIVATE KEY' },
  PKCS8: {
    family: 'der',
    half: 'private',
    types: ['RSA', 'EC', 'X25519', 'DSA', 'DH'],
    pemLabel: 'PRIVATE KEY',
  },
  SPKI: {
    family: 'der',
    half: 'public',
    types: ['RSA', 'EC', 'X25519', 'DSA', 'DH'],
    pemLabel: 'PUBLIC KEY',
  },
  JWK: { family: 'jwk', half: 'either', types: ['RSA', 'EC', 'X25519'] },
};
