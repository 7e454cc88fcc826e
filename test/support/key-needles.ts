/** What a private key looks like in memory: byte strings that nothing else has. */
import { createPrivateKey } from 'node:crypto';

/** A byte string to look for, in hex, so that it travels to other processes. */
export interface Needle {
  /** `RSA p, 64-bit limbs, highest first`. */
  readonly name: string;
  readonly hex: string;
}

/**
 * Needles for the private numbers of a key: the primes and the exponent of RSA, the scalar of an elliptic curve, each in every order that
 * libraries keep numbers in. Of long numbers both ends, so that half of one is found too.
 *
 * @param pkcs8 - DER.
 */
export function needlesOf(pkcs8: Uint8Array): Needle[] {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  const jwk = key.export({ format: 'jwk' });
  const names = jwk.kty === 'RSA' ? (['p', 'q', 'd'] as const) : (['d'] as const);
  return names.flatMap((name) =>
    needlesOfNumber(`${jwk.kty} ${name}`, Buffer.from(jwk[name]!, 'base64url')),
  );
}

/** Of a secret that is no number: a session key. */
export function needlesOfBytes(name: string, bytes: Uint8Array): Needle[] {
  return [{ name, hex: Buffer.from(bytes).toString('hex') }];
}

function needlesOfNumber(name: string, bigEndian: Buffer): Needle[] {
  const littleEndian = Buffer.from(bigEndian).reverse();
  const orders = {
    'big-endian': bigEndian,
    // Also what limbs of any size are on a little-endian machine, lowest first: OpenSSL's BIGNUM.
    'little-endian': littleEndian,
    '64-bit limbs, highest first': limbs(littleEndian, 8),
    '32-bit limbs, highest first': limbs(littleEndian, 4),
  };
  return Object.entries(orders).flatMap(([order, bytes]) =>
    endsOf(bytes).map((end) => ({ name: `${name}, ${order}`, hex: end.toString('hex') })),
  );
}

/** Limbs in the order of a big-endian number, their bytes in that of the machine. */
function limbs(littleEndian: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < littleEndian.length; at += size)
    parts.unshift(littleEndian.subarray(at, at + size));
  return Buffer.concat(parts);
}

function endsOf(bytes: Buffer): Buffer[] {
  return bytes.length <= END ? [bytes] : [bytes.subarray(0, END), bytes.subarray(-END)];
}

const END = 32;
