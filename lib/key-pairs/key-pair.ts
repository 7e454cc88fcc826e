/** KeyPair: the model that every format is read into and written from. */
import { rsaKeyPair, type RsaKeyPair } from './rsa-key-pair.ts';
import { ecKeyPair, x25519KeyPair, type EcKeyPair, type X25519KeyPair } from './ec-key-pair.ts';
import { dhKeyPair, dsaKeyPair, type DhKeyPair, type DsaKeyPair } from './discrete-log-key-pair.ts';

/**
 * A key pair, or its public half alone: switch on `type`. Numbers are big-endian.
 *
 * It owns its numbers: disposing of it wipes them. Printed, logged and serialized it shows no private number.
 */
export type KeyPair = RsaKeyPair | EcKeyPair | X25519KeyPair | DsaKeyPair | DhKeyPair;

/** Whether a key pair has its private half. */
export function isPrivateKeyPair(pair: KeyPair): boolean {
  return pair.type === 'RSA' ? pair.privateNumbers !== undefined : pair.privateKey !== undefined;
}

/** The public half of a key pair, in memory of its own. */
export function publicHalfOf(pair: KeyPair): KeyPair {
  switch (pair.type) {
    case 'RSA': {
      const { modulus, publicExponent } = pair;
      return rsaKeyPair({ modulus, publicExponent });
    }
    case 'EC': {
      const { curve, x, y } = pair;
      return ecKeyPair({ curve, x, y });
    }
    case 'X25519':
      return x25519KeyPair({ publicKey: pair.publicKey });
    case 'DSA': {
      const { privateKey: _, ...publicNumbers } = pair;
      return dsaKeyPair(publicNumbers);
    }
    case 'DH': {
      const { privateKey: _, ...publicNumbers } = pair;
      return dhKeyPair(publicNumbers);
    }
  }
}
