/** EC key pairs of the curves that NIST names, and of curve25519. */
import { owned } from '../bytes/owned.ts';
import {
  EC_CURVES,
  ecPublicPoint,
  isEcPrivateKey,
  x25519PublicKey,
  type EcCurveName,
} from './curves.ts';
import { padded, refuse } from './key-numbers.ts';

/** A key of ECDH or ECDSA; which of the two is no fact of the key. Numbers big-endian, as long as the curve's field. */
export interface EcKeyPair extends Disposable {
  readonly type: 'EC';
  readonly curve: EcCurveName;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
  /** d, 1 to n - 1. Absent of a public key. */
  readonly privateKey?: Uint8Array;
}

/** A key of X25519 (RFC 7748): 32 bytes each, little-endian as everybody writes them. */
export interface X25519KeyPair extends Disposable {
  readonly type: 'X25519';
  /** u */
  readonly publicKey: Uint8Array;
  /** The scalar, clamped or not: carried as it is. Absent of a public key. */
  readonly privateKey?: Uint8Array;
}

/** What an EC key pair is made of; a private key's point may be left out. */
export interface EcKeyNumbers {
  readonly curve: EcCurveName;
  readonly x?: Uint8Array;
  readonly y?: Uint8Array;
  readonly privateKey?: Uint8Array;
}

/**
 * Makes an EC key pair of its numbers, big-endian.
 *
 * A missing point is computed from d in bigints, which cannot be wiped. That a given point lies on the curve and belongs to d is for
 * {@link checkKeyPair} to say.
 *
 * @returns Copies of the numbers, which disposing of the result wipes. The caller still owns what it gave.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no key of the curve has.
 */
export function ecKeyPair({ curve, x, y, privateKey }: EcKeyNumbers): EcKeyPair {
  if (!Object.hasOwn(EC_CURVES, curve)) refuse('curve', 'want P-256, P-384 or P-521');
  const { fieldLength } = EC_CURVES[curve];
  if ((x === undefined) !== (y === undefined)) refuse('x', 'want both coordinates or none');
  const d = privateKey && padded('privateKey', privateKey, fieldLength);
  try {
    if (d && !isEcPrivateKey(curve, d)) refuse('privateKey', 'want 1 to n - 1');
    if (!x && !d) refuse('x', 'missing');
    const point =
      x && y
        ? { x: padded('x', x, fieldLength), y: padded('y', y, fieldLength) }
        : ecPublicPoint(curve, d!);
    const facts = { type: 'EC', curve } as const;
    return d ? owned(facts, { ...point, privateKey: d }, ['privateKey']) : owned(facts, point, []);
  } finally {
    if (d !== privateKey) d?.fill(0);
  }
}

/**
 * Makes an X25519 key pair; a private key's `publicKey` may be left out, and is computed then as {@link ecKeyPair} does.
 *
 * @returns Copies, which disposing of the result wipes. The caller still owns what it gave.
 * @throws KeyStoreError PARAMETER_INVALID for anything but 32 bytes.
 */
export function x25519KeyPair({
  publicKey,
  privateKey,
}: Partial<Pick<X25519KeyPair, 'publicKey' | 'privateKey'>>): X25519KeyPair {
  if ((publicKey && publicKey.length !== 32) || (privateKey && privateKey.length !== 32))
    refuse('publicKey', 'want 32 bytes');
  if (!publicKey && !privateKey) refuse('publicKey', 'missing');
  const facts = { type: 'X25519' } as const;
  if (!privateKey) return owned(facts, { publicKey: publicKey! }, []);
  const numbers = { publicKey: publicKey ?? x25519PublicKey(privateKey), privateKey };
  return owned(facts, numbers, ['privateKey']);
}
