/**
 * DSS signatures of CryptoAPI: r ‖ s, 20 bytes each, each little-endian. Source: FIPS 186-2 section 5; .NET's DSACryptoServiceProvider turns them around.
 *
 * node:crypto signs data, and neither signs nor verifies a hash that was finished elsewhere; since Node 22 it also refuses MD5. So signatures are
 * verified here, on public numbers.
 */
import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { concatBytes, reverseBytes } from '../bytes/octets.ts';
import { OID } from '../cms/oids.ts';
import { KeyStoreError } from '../errors.ts';
import { inverse, power, toBigInt } from '../key-pairs/big-numbers.ts';

/** Signs data with SHA-1: 40 bytes. */
export function signDss(privateKey: KeyObject, data: readonly Uint8Array[]): Uint8Array {
  numbersOf(privateKey);
  const encoding = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  try {
    return reverseHalves(sign('sha1', concatBytes(...data), encoding));
  } catch {
    throw new KeyStoreError('PARAMETER_INVALID', 'this DSA key cannot sign');
  }
}

/** Does a signature fit a hash (FIPS 186-2 section 6)? False for each that is not 40 bytes. */
export function verifyDss(key: KeyObject, hash: Uint8Array, signature: Uint8Array): boolean {
  const { p, q, g, y } = numbersOf(key);
  if (signature.length !== 2 * HALF_LENGTH) return false;
  const natural = reverseHalves(signature);
  const r = toBigInt(natural.subarray(0, HALF_LENGTH));
  const s = toBigInt(natural.subarray(HALF_LENGTH));
  if (r === 0n || r >= q || s === 0n || s >= q) return false;
  const w = inverse(s, q);
  if (w === undefined) return false;
  // FIPS 186-4 section 4.6: of a longer hash the leftmost bits, as many as q has.
  const z = toBigInt(hash.subarray(0, HALF_LENGTH));
  const v = (power(g, (z * w) % q, p) * power(y, (r * w) % q, p)) % p;
  return v % q === r;
}

interface DssNumbers {
  readonly p: bigint;
  readonly q: bigint;
  readonly g: bigint;
  readonly y: bigint;
}

/** The public numbers of a key (RFC 3279 section 2.3.2). */
function numbersOf(key: KeyObject): DssNumbers {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const outer = new DerReader(spki, 'SubjectPublicKeyInfo');
  const info = outer.enter(TAG.SEQUENCE, 'SubjectPublicKeyInfo');
  const algorithm = info.enter(TAG.SEQUENCE, 'algorithm').expect(OID.dsa, 'algorithm');
  const parameters = algorithm.enter(TAG.SEQUENCE, 'parameters');
  const p = toBigInt(parameters.positive('p'));
  const q = toBigInt(parameters.positive('q'));
  const g = toBigInt(parameters.positive('g'));
  const contents = info.read(TAG.BIT_STRING, 'subjectPublicKey').subarray(1);
  const y = toBigInt(new DerReader(contents, 'DSAPublicKey').positive('y'));
  if (q.toString(2).length !== 8 * HALF_LENGTH)
    throw new KeyStoreError('NOT_SUPPORTED', 'CALG_DSS_SIGN is for keys whose q has 160 bits');
  return { p, q, g, y };
}

function reverseHalves(signature: Uint8Array): Uint8Array {
  return concatBytes(
    reverseBytes(signature.subarray(0, HALF_LENGTH)),
    reverseBytes(signature.subarray(HALF_LENGTH)),
  );
}

/** Bytes of r, and of s. */
const HALF_LENGTH = 20;
