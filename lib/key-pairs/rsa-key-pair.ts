/** RSA key pairs, and the numbers that some formats leave out. */
import { bitLength } from '../blobs/rsa-bounds.ts';
import { owned } from '../bytes/owned.ts';
import type { RsaPrivateNumbers } from '../cms/rsa-private-key.ts';
import { KeyStoreError } from '../errors.ts';
import { checkOdd, isLess, positive, refuse } from './key-numbers.ts';
import { crtNumbersOf, primesOf, privateExponentOf, type RsaPrimes } from './rsa-numbers.ts';

export type { RsaPrivateNumbers } from '../cms/rsa-private-key.ts';

/** An RSA key: numbers big-endian, without leading zeros; names as in RFC 8017. */
export interface RsaKeyPair extends Disposable {
  readonly type: 'RSA';
  /** Bits of the modulus. */
  readonly modulusBits: number;
  /** n */
  readonly modulus: Uint8Array;
  /** e: odd, 3 or more. */
  readonly publicExponent: Uint8Array;
  /** Absent of a public key. All of them: what a format leaves out is computed when it is read. */
  readonly privateNumbers?: RsaPrivateNumbers;
}

/** What an RSA key pair is made of. A private key is given by its primes, by d, or by both. */
export interface RsaKeyNumbers extends Partial<RsaPrivateNumbers> {
  readonly modulus: Uint8Array;
  readonly publicExponent: Uint8Array;
}

/**
 * Makes an RSA key pair of its numbers, big-endian.
 *
 * d is taken as it is where there is one, mod lcm(p-1, q-1) or mod (p-1)(q-1); one that is computed is of the first form, as CryptoAPI's. What is
 * missing is computed in bigints, which cannot be wiped: d and the numbers of the Chinese remainder theorem from the primes, the primes from n, e, d.
 * That the numbers belong together is for {@link checkKeyPair} to say.
 *
 * @returns Copies of the numbers, which disposing of the result wipes. The caller still owns what it gave.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no RSA key has; BLOB_ALGORITHM_UNSUPPORTED for an exponent of 1, under which ciphertext is plaintext.
 */
export function rsaKeyPair(numbers: RsaKeyNumbers): RsaKeyPair {
  const modulus = positive('modulus', numbers.modulus);
  checkOdd('modulus', modulus);
  const publicExponent = positive('publicExponent', numbers.publicExponent, modulus.length);
  checkOdd('publicExponent', publicExponent);
  if (publicExponent.length === 1 && publicExponent[0] === 1)
    throw new KeyStoreError(
      'BLOB_ALGORITHM_UNSUPPORTED',
      'publicExponent: an exponent of 1 encrypts nothing',
    );
  if (!isLess(publicExponent, modulus)) refuse('publicExponent', 'want less than the modulus');
  const made: Uint8Array[] = [];
  try {
    const complete = completed({ ...numbers, modulus, publicExponent }, made);
    const privateNumbers = complete && ownedNumbers(complete, modulus.length);
    const facts = {
      type: 'RSA' as const,
      modulusBits: bitLength(modulus),
      ...(privateNumbers && { privateNumbers }),
    };
    const pair = owned(facts, { modulus, publicExponent }, []);
    if (!privateNumbers) return pair;
    const wipe = pair[Symbol.dispose].bind(pair);
    return Object.defineProperty({ ...pair }, Symbol.dispose, {
      value: () => {
        wipe();
        privateNumbers[Symbol.dispose]();
      },
    });
  } finally {
    for (const number of made) number.fill(0);
  }
}

/** All private numbers, or undefined of a public key; what is computed for that is added to `made`. */
function completed(key: RsaKeyNumbers, made: Uint8Array[]): RsaPrivateNumbers | undefined {
  if (!isPrivate(key)) return undefined;
  const primes =
    havePrimes(key) ?? keep(made, primesOf({ ...key, privateExponent: key.privateExponent! }));
  if (primes === undefined) return refuse('privateExponent', 'n, e and d are not of one key');
  const { prime1, prime2 } = primes;
  let { privateExponent } = key;
  if (privateExponent === undefined) {
    const rsa: RsaPrimes = { publicExponent: key.publicExponent, prime1, prime2 };
    privateExponent = privateExponentOf(rsa, key.modulus.length);
    if (privateExponent === undefined)
      return refuse('prime1', 'e has no inverse modulo p-1 and q-1');
    made.push(privateExponent);
  }
  const { exponent1, exponent2, coefficient } = key;
  if (exponent1 && exponent2 && coefficient)
    return { privateExponent, prime1, prime2, exponent1, exponent2, coefficient };
  const crt = keep(made, crtNumbersOf({ privateExponent, prime1, prime2 }));
  if (crt === undefined) return refuse('prime1', 'q has no inverse modulo p');
  return { privateExponent, prime1, prime2, ...crt };
}

function isPrivate(key: RsaKeyNumbers): boolean {
  const { privateExponent, prime1, prime2, exponent1, exponent2, coefficient } = key;
  if ((prime1 === undefined) !== (prime2 === undefined))
    refuse('prime1', 'want both primes or none');
  if (privateExponent !== undefined || prime1 !== undefined) return true;
  if (exponent1 ?? exponent2 ?? coefficient) refuse('prime1', 'missing');
  return false;
}

/** The primes, where they are given. */
function havePrimes({ modulus, prime1, prime2 }: RsaKeyNumbers): Primes | undefined {
  if (prime1 === undefined || prime2 === undefined) return undefined;
  const primes = {
    prime1: positive('prime1', prime1, modulus.length),
    prime2: positive('prime2', prime2, modulus.length),
  };
  checkOdd('prime1', primes.prime1);
  checkOdd('prime2', primes.prime2);
  return primes;
}

type Primes = Omit<RsaPrimes, 'publicExponent'>;

/** Notes what was computed, so that it is wiped. */
function keep<T extends object>(made: Uint8Array[], numbers: T | undefined): T | undefined {
  if (numbers) made.push(...(Object.values(numbers) as Uint8Array[]));
  return numbers;
}

function ownedNumbers(
  numbers: RsaPrivateNumbers,
  maxLength: number,
): RsaPrivateNumbers & Disposable {
  const bounded = Object.fromEntries(
    SECRET_FIELDS.map((field) => [field, positive(field, numbers[field], maxLength)]),
  ) as Record<(typeof SECRET_FIELDS)[number], Uint8Array>;
  return owned({}, bounded, SECRET_FIELDS);
}

const SECRET_FIELDS = [
  'privateExponent',
  'prime1',
  'prime2',
  'exponent1',
  'exponent2',
  'coefficient',
] as const;
