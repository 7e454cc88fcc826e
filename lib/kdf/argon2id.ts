/** Argon2id (RFC 9106, version 0x13) by the package argon2, which is loaded when it is first used. */
import { ARGON2ID_BOUNDS, type Argon2idParameters } from '../cms/argon2id-parameters.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';

/** What a derivation costs. */
export type Argon2idCost = Omit<Argon2idParameters, 'salt'>;

/** The least that keycask writes: second choice of RFC 9106 section 4, of which a memory bound machine still has enough. */
export const ARGON2ID_MINIMUM: Argon2idCost = {
  memoryKiB: 64 * 1024,
  iterations: 3,
  parallelism: 4,
};

/**
 * Derives a key from a password, on the thread pool.
 *
 * @param password - The caller still owns, and wipes, it.
 * @param length - Bytes wanted.
 * @throws KeyStoreError PARAMETER_INVALID outside of ARGON2ID_BOUNDS, MODULE_MISSING without the package.
 */
export async function argon2id(
  password: Uint8Array,
  parameters: Argon2idParameters,
  length: number,
): Promise<SecretBytes> {
  checkBounds(parameters);
  const argon2 = await loadArgon2();
  const key = await argon2.hash(
    Buffer.from(password.buffer, password.byteOffset, password.byteLength),
    {
      raw: true,
      type: argon2.argon2id,
      version: VERSION,
      salt: Buffer.from(parameters.salt),
      memoryCost: parameters.memoryKiB,
      timeCost: parameters.iterations,
      parallelism: parameters.parallelism,
      hashLength: length,
    },
  );
  return SecretBytes.take(key);
}

export interface CalibrationOptions {
  /** How long one derivation should take. Default 250 ms. */
  readonly targetMs?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock?: () => number;
  /** Replaced only in tests. */
  readonly derive?: typeof argon2id;
}

/**
 * Costs for this machine: never below {@link ARGON2ID_MINIMUM}, with as many iterations as fit the time, within the bounds that every
 * reader accepts. Takes one derivation at the minimum.
 *
 * @throws KeyStoreError MODULE_MISSING without the package argon2.
 */
export async function calibrateArgon2id(options: CalibrationOptions = {}): Promise<Argon2idCost> {
  const { targetMs = 250, clock = () => performance.now(), derive = argon2id } = options;
  const nothing = new Uint8Array(ARGON2ID_BOUNDS.salt.min);
  // Once before the clock starts: loading the package and its first pages of memory are not what is measured.
  const warmUp = { ...ARGON2ID_MINIMUM, memoryKiB: ARGON2ID_BOUNDS.memoryKiB.min, iterations: 1 };
  (await derive(nothing, { ...warmUp, salt: nothing }, KEY_LENGTH)).dispose();
  const started = clock();
  (await derive(nothing, { ...ARGON2ID_MINIMUM, salt: nothing }, KEY_LENGTH)).dispose();
  const elapsed = clock() - started;
  const { iterations } = ARGON2ID_MINIMUM;
  // Time is proportional to the iterations (RFC 9106 section 4, step 7).
  const wanted = elapsed > 0 ? Math.floor((iterations * targetMs) / elapsed) : Infinity;
  return {
    ...ARGON2ID_MINIMUM,
    iterations: Math.min(Math.max(wanted, iterations), ARGON2ID_BOUNDS.iterations.max),
  };
}

let calibrated: Promise<Argon2idCost> | undefined;

/** Costs for new passwords on this machine, measured once a process. */
export function argon2idCost(): Promise<Argon2idCost> {
  calibrated ??= calibrateArgon2id();
  calibrated.catch(() => (calibrated = undefined));
  return calibrated;
}

/** A static import would make everybody pay for it, also those without passwords. */
async function loadArgon2() {
  try {
    return await import('argon2');
  } catch {
    throw new KeyStoreError(
      'MODULE_MISSING',
      'the package argon2 could not be loaded: passwords need it',
      { hint: 'Install it: `npm install argon2@0.44.0`.' },
    );
  }
}

function checkBounds(parameters: Argon2idParameters): void {
  const { memoryKiB, iterations, parallelism, salt } = ARGON2ID_BOUNDS;
  check('memoryKiB', parameters.memoryKiB, memoryKiB);
  check('iterations', parameters.iterations, iterations);
  check('parallelism', parameters.parallelism, parallelism);
  check("the salt's length", parameters.salt.length, salt);
}

function check(name: string, value: number, bounds: { min: number; max: number }): void {
  if (!Number.isInteger(value) || value < bounds.min || value > bounds.max)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `Argon2id: ${name} has to be ${bounds.min} to ${bounds.max}`,
    );
}

const VERSION = 0x13;
const KEY_LENGTH = 32;
