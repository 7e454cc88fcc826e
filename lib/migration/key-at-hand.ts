/** KeyAtHand: a private key that was found, and where. What session keys may have been wrapped for. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { toHex } from '../bytes/octets.ts';
import { keyIdentifier } from '../keys/key-identifier.ts';

/** Where a private key came from. */
export interface KeyOrigin {
  /** File that it is in; of Wine's registry the hive. */
  readonly path: string;
  /** Name of the key container. */
  readonly container?: string;
  /** AT_KEYEXCHANGE or AT_SIGNATURE. */
  readonly slot?: 'exchange' | 'signature';
  readonly scope?: 'user' | 'machine';
  /** Of the user whose profile it is in. */
  readonly sid?: string;
}

export interface KeyAtHand {
  readonly origin: KeyOrigin;
  /** RSA, from `importLegacyPrivateKey`. */
  readonly privateKey: KeyObject;
  /** Subject key identifier of the public half, hex: the same in every file that holds this key. */
  readonly keyId: string;
  readonly modulusBits: number;
}

/** @param privateKey - RSA. */
export function keyAtHand(privateKey: KeyObject, origin: KeyOrigin): KeyAtHand {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    origin,
    privateKey,
    keyId: toHex(keyIdentifier(new Uint8Array(spki))),
    modulusBits: privateKey.asymmetricKeyDetails?.modulusLength ?? 0,
  };
}

/** For people: `Crypto/RSA/…/ab12 (container "Archive", exchange key of the user)`. */
export function describeOrigin({ path, container, slot, scope }: KeyOrigin): string {
  const parts = [
    ...(container === undefined ? [] : [`container ${JSON.stringify(container)}`]),
    ...(slot === undefined ? [] : [`${slot} key`]),
    ...(scope === undefined ? [] : [`of the ${scope}`]),
  ];
  return parts.length === 0 ? path : `${path} (${parts.join(', ')})`;
}
