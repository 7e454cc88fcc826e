/** The curves of EC keys: their parameters (SEC 2 sections 2.4.2, 2.5.1, 2.6.1; FIPS 186-5) and public points from private keys. */
import { fromBigInt, inverse, modulo, toBigInt } from './big-numbers.ts';

/** Curves that CryptoAPI's successors name; all are of the form y^2 = x^3 - 3x + b. */
export type EcCurveName = 'P-256' | 'P-384' | 'P-521';

/** A curve by its numbers. */
export interface EcCurveParameters {
  /** Bytes of a coordinate. */
  readonly fieldLength: number;
  /** p */
  readonly prime: bigint;
  readonly b: bigint;
  /** Order of the base point: private keys are 1 to n - 1. */
  readonly order: bigint;
  readonly baseX: bigint;
  readonly baseY: bigint;
}

/** x and y of a point, each as long as the curve's field; big-endian. */
export type EcPoint = {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
};

/** Whether a private key is 1 to n - 1. */
export function isEcPrivateKey(curve: EcCurveName, privateKey: Uint8Array): boolean {
  const d = toBigInt(privateKey);
  return d >= 1n && d < EC_CURVES[curve].order;
}

/** Whether a point lies on the curve. */
export function isEcPoint(curve: EcCurveName, point: EcPoint): boolean {
  const { prime, b } = EC_CURVES[curve];
  const [x, y] = [toBigInt(point.x), toBigInt(point.y)];
  return x < prime && y < prime && modulo(y * y - x * x * x + 3n * x - b, prime) === 0n;
}

/**
 * d times the base point.
 *
 * Computed in bigints, which cannot be wiped, in time that depends on d: for conversion where nobody measures, not for agreeing on keys.
 *
 * @param privateKey - 1 to n - 1, see {@link isEcPrivateKey}.
 */
export function ecPublicPoint(curve: EcCurveName, privateKey: Uint8Array): EcPoint {
  const { fieldLength, prime, baseX, baseY } = EC_CURVES[curve];
  const base: Jacobian = [baseX, baseY, 1n];
  let sum: Jacobian = [1n, 1n, 0n];
  for (const bit of toBigInt(privateKey).toString(2)) {
    sum = double(sum, prime);
    if (bit === '1') sum = add(sum, base, prime);
  }
  const [x, y, z] = sum;
  const inverseZ = inverse(z, prime)!;
  const square = inverseZ * inverseZ;
  return {
    x: fromBigInt(modulo(x * square, prime), fieldLength),
    y: fromBigInt(modulo(y * square * inverseZ, prime), fieldLength),
  };
}

/**
 * The public key of an X25519 private key (RFC 7748 sections 5 and 6.1).
 *
 * Computed in bigints, as {@link ecPublicPoint} is.
 *
 * @param privateKey - 32 bytes, little-endian; it is clamped here.
 * @returns u, 32 bytes, little-endian.
 */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  const clamped = Uint8Array.from(privateKey).reverse();
  clamped[0] = (clamped[0]! & 0x7f) | 0x40;
  clamped[31] = clamped[31]! & 0xf8;
  const scalar = toBigInt(clamped);
  clamped.fill(0);
  let [x2, z2, x3, z3] = [1n, 0n, BASE_U, 1n];
  for (let bit = 254n; bit >= 0n; bit--) {
    const isSet = (scalar >> bit) & 1n;
    if (isSet) [x2, x3, z2, z3] = [x3, x2, z3, z2];
    const [a, b, c, d] = [x2 + z2, x2 - z2, x3 + z3, x3 - z3];
    const [aa, bb] = [modulo(a * a, P25519), modulo(b * b, P25519)];
    const [da, cb, e] = [modulo(d * a, P25519), modulo(c * b, P25519), aa - bb];
    x3 = modulo((da + cb) ** 2n, P25519);
    z3 = modulo(BASE_U * (da - cb) ** 2n, P25519);
    x2 = modulo(aa * bb, P25519);
    z2 = modulo(e * (aa + A24 * e), P25519);
    if (isSet) [x2, x3, z2, z3] = [x3, x2, z3, z2];
  }
  return fromBigInt(modulo(x2 * inverse(z2, P25519)!, P25519), 32).reverse();
}

/** X / Z^2, Y / Z^3; Z is 0 at infinity. */
type Jacobian = readonly [x: bigint, y: bigint, z: bigint];

/** For curves with a = -3. */
function double([x, y, z]: Jacobian, p: bigint): Jacobian {
  if (z === 0n) return [x, y, z];
  const [delta, gamma] = [(z * z) % p, (y * y) % p];
  const beta = (x * gamma) % p;
  const alpha = (3n * (x - delta) * (x + delta)) % p;
  const x3 = modulo(alpha * alpha - 8n * beta, p);
  const z3 = modulo((y + z) ** 2n - gamma - delta, p);
  return [x3, modulo(alpha * (4n * beta - x3) - 8n * gamma * gamma, p), z3];
}

function add(left: Jacobian, right: Jacobian, p: bigint): Jacobian {
  const [[x1, y1, z1], [x2, y2, z2]] = [left, right];
  if (z1 === 0n) return right;
  const [zz1, zz2] = [(z1 * z1) % p, (z2 * z2) % p];
  const [u1, u2] = [(x1 * zz2) % p, (x2 * zz1) % p];
  const [s1, s2] = [(y1 * z2 * zz2) % p, (y2 * z1 * zz1) % p];
  const [h, r] = [modulo(u2 - u1, p), modulo(s2 - s1, p)];
  if (h === 0n) return r === 0n ? double(left, p) : [1n, 1n, 0n];
  const [hh, hhh] = [(h * h) % p, (h * h * h) % p];
  const v = (u1 * hh) % p;
  const x3 = modulo(r * r - hhh - 2n * v, p);
  return [x3, modulo(r * (v - x3) - s1 * hhh, p), (z1 * z2 * h) % p];
}

/** 2^255 - 19 */
const P25519 = (1n << 255n) - 19n;
const A24 = 121665n;
const BASE_U = 9n;

/** By name. */
export const EC_CURVES: Readonly<Record<EcCurveName, EcCurveParameters>> = {
  'P-256': {
    fieldLength: 32,
    prime: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    baseX: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
    baseY: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
  },
  'P-384': {
    fieldLength: 48,
    prime:
      0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    baseX:
      0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
    baseY:
      0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
  },
  'P-521': {
    fieldLength: 66,
    prime: (1n << 521n) - 1n,
    b: 0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    baseX:
      0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
    baseY:
      0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
  },
};
