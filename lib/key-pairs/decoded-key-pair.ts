/** DecodedKeyPair: a key pair, and what its format says beside it. */
import type { KeyPairFormat, KeyUse } from './formats.ts';
import type { KeyPair } from './key-pair.ts';

/** What a format says beside the key. */
export interface KeyPairDetails {
  /** aiKeyAlg of CryptoAPI's blobs. */
  readonly algId?: number;
  /** What the key is for, where the format says it. */
  readonly keyUse?: KeyUse;
  /** The label of the PEM block that it stood in. */
  readonly pemLabel?: string;
  /** What stood there too and is in no key pair: attributes of PKCS#8, members of a JWK. */
  readonly dropped?: readonly string[];
}

/** A key pair and what it was read from. */
export interface DecodedKeyPair {
  /** The caller's, to be disposed of. */
  readonly pair: KeyPair;
  readonly format: KeyPairFormat;
  readonly details: KeyPairDetails;
}
