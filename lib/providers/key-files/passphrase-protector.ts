/** The passphrase protector: file keys under Argon2id of a passphrase, derived once a process. */
import { randomFillSync } from 'node:crypto';
import { DerReader } from '../../bytes/der-reader.ts';
import { toHex } from '../../bytes/octets.ts';
import {
  ARGON2ID_BOUNDS,
  encodeArgon2idParameters,
  readArgon2idParameters,
  type Argon2idParameters,
} from '../../cms/argon2id-parameters.ts';
import { KeyStoreError } from '../../errors.ts';
import { ARGON2ID_MINIMUM, argon2id, argon2idCost, type Argon2idCost } from '../../kdf/argon2id.ts';
import { unwrapAesKey, wrapAesKey } from '../../keys/aes-key-wrap.ts';
import type { RandomFill, SecretBytes } from '../../keys/secret-bytes.ts';
import type { ProtectedFileKey, Protector, ProtectorOptions } from './protector.ts';

export interface PassphraseOptions {
  /** Asked when a seal is first made or opened. The protector owns, and wipes, the answer. Absent: PASSWORD_REQUIRED. */
  readonly passphrase?: () => Promise<SecretBytes>;
  /** Default: calibrated to this machine, at least 64 MiB, 3 iterations, 4 lanes. Lower it in tests only. */
  readonly cost?: Argon2idCost;
  readonly random?: RandomFill;
}

/**
 * Seals under Argon2id of a passphrase. New seals reuse the salt of one that was opened, so that the keys of a container cost one derivation.
 *
 *   parameters ::= Argon2idParams ::= SEQUENCE { salt OCTET STRING, memoryKiB, iterations, parallelism, keyLength INTEGER (32) }
 */
export function passphraseProtector(options: PassphraseOptions): Protector {
  return new PassphraseProtector(options);
}

/** A key-encryption key that was derived, and from what. */
interface DerivedKey {
  readonly parameters: Argon2idParameters;
  readonly key: SecretBytes;
}

class PassphraseProtector implements Protector {
  readonly name = NAME;
  readonly posture = {
    readableBy: ['who knows the passphrase', 'administrators of this machine while it is in use'],
    couldRead: 'nobody' as const,
    survivesPasswordReset: true,
    survivesNewMachine: true,
    survivesTpmClear: true,
  };
  readonly #options: PassphraseOptions;
  /** A seal that was made with less is not copied from. */
  readonly #least: Argon2idCost;
  /** Derivations by their parameters, so that two keys opened at once share one. */
  readonly #derived = new Map<string, Promise<DerivedKey>>();
  /** What new seals use: proved right by a seal that it opened, or made here. */
  #current: Promise<DerivedKey> | undefined;

  constructor(options: PassphraseOptions) {
    this.#options = options;
    this.#least = options.cost ?? ARGON2ID_MINIMUM;
    requireBounds(this.#least);
  }

  async wrap(fileKey: SecretBytes, options: ProtectorOptions = {}): Promise<ProtectedFileKey> {
    const { parameters, key } = await (this.#current ??= this.#fresh(options));
    return {
      name: NAME,
      parameters: encodeArgon2idParameters(parameters),
      wrappedFileKey: wrapAesKey(key.bytes, fileKey),
    };
  }

  async unwrap(
    { parameters: der, wrappedFileKey }: ProtectedFileKey,
    options: ProtectorOptions = {},
  ): Promise<SecretBytes> {
    const parameters = readParameters(der);
    const name = toHex(der);
    const derivation = this.#derived.get(name) ?? this.#derive(parameters, options);
    this.#derived.set(name, derivation);
    try {
      const { key } = await derivation;
      const fileKey = unwrapAesKey(key.bytes, wrappedFileKey);
      if (isEnough(parameters, this.#least)) this.#current ??= derivation;
      return fileKey;
    } catch (error) {
      // Another file of the same salt may have been opened with it: then this file is what is wrong, and the key stays.
      if (this.#current !== derivation) this.#forget(name, derivation);
      if (KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED')
        throw new KeyStoreError('PASSWORD_WRONG');
      throw error;
    }
  }

  lock(): void {
    for (const derivation of this.#derived.values()) wipe(derivation);
    if (this.#current) wipe(this.#current);
    this.#derived.clear();
    this.#current = undefined;
  }

  async #fresh(options: ProtectorOptions): Promise<DerivedKey> {
    const salt = new Uint8Array(SALT_LENGTH);
    (this.#options.random ?? randomFillSync)(salt);
    try {
      const parameters = { salt, ...(this.#options.cost ?? (await argon2idCost())) };
      const derivation = this.#derive(parameters, options);
      const name = toHex(encodeArgon2idParameters(parameters));
      this.#derived.set(name, derivation);
      derivation.catch(() => this.#derived.delete(name));
      return await derivation;
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }

  async #derive(parameters: Argon2idParameters, options: ProtectorOptions): Promise<DerivedKey> {
    const { passphrase } = this.#options;
    if (!passphrase || options.silent) throw new KeyStoreError('PASSWORD_REQUIRED');
    using secret = await passphrase();
    return { parameters, key: await argon2id(secret.bytes, parameters, KEY_LENGTH) };
  }

  #forget(name: string, derivation: Promise<DerivedKey>): void {
    if (this.#derived.get(name) === derivation) this.#derived.delete(name);
    wipe(derivation);
  }
}

function wipe(derivation: Promise<DerivedKey>): void {
  derivation.then(
    ({ key }) => key.dispose(),
    () => undefined,
  );
}

function isEnough(parameters: Argon2idCost, wanted: Argon2idCost): boolean {
  return (
    parameters.memoryKiB >= wanted.memoryKiB &&
    parameters.iterations >= wanted.iterations &&
    parameters.parallelism >= wanted.parallelism
  );
}

function requireBounds(cost: Argon2idCost): void {
  for (const field of ['memoryKiB', 'iterations', 'parallelism'] as const) {
    const { min, max } = ARGON2ID_BOUNDS[field];
    if (!Number.isInteger(cost[field]) || cost[field] < min || cost[field] > max)
      throw new KeyStoreError('PARAMETER_INVALID', `${field}: want ${min} to ${max}`);
  }
}

function readParameters(der: Uint8Array): Argon2idParameters {
  const reader = new DerReader(der, 'Argon2idParams');
  const parameters = readArgon2idParameters(reader);
  reader.end();
  return parameters;
}

const NAME = 'passphrase';
const KEY_LENGTH = 32;
const SALT_LENGTH = 16;
