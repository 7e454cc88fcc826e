/** The dpapi protector: file keys under a secret that Windows keeps for a user or for the machine. */
import { randomFillSync } from 'node:crypto';
import process from 'node:process';
import type { Crypt32 } from '../../../native-bindings/crypt32.ts';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../../bytes/der-writer.ts';
import { encodeUtf8 } from '../../bytes/octets.ts';
import type { KeyScope } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes, type RandomFill } from '../../keys/secret-bytes.ts';
import { requireText } from '../rules/key-properties.ts';
import { requireScope } from '../rules/key-request.ts';
import { protectFailure, unprotectFailure } from './dpapi-failure.ts';
import type {
  ProtectedFileKey,
  Protector,
  ProtectorOptions,
  ProtectorPosture,
} from './protector.ts';

export interface DpapiOptions {
  /** Whose secret Windows seals under. `machine`: every account of this machine can open it. Default `user`. */
  readonly scope?: KeyScope;
  /** A program's own bytes: who does not have them opens nothing, not even as the same user. At most 4096; the caller still owns them. */
  readonly entropy?: Uint8Array;
  /** What CryptUnprotectData tells to whoever opens it, and the blob to whoever reads it. Default `keycask key file`. */
  readonly description?: string;
  readonly random?: RandomFill;
}

/**
 * Seals with CryptProtectData (dpapi.h), on Windows only: elsewhere it can be made, and does not seal or open.
 *
 *   parameters ::= SEQUENCE { scope ENUMERATED { user(0), machine(1) }, entropy OCTET STRING (16) }
 *
 * DPAPI's optional entropy is "keycask key file entropy v1", the parameter of that name, fresh for each seal so that a blob is not good
 * for another file, and the program's own bytes. What one scope sealed the other does not open: its posture would not be true.
 *
 * @throws KeyStoreError PARAMETER_INVALID
 */
export function dpapiProtector(options: DpapiOptions = {}): Protector {
  return new DpapiProtector(options);
}

/**
 * Loads what the protector calls, so that one who will need it is told before anything is made.
 *
 * @throws KeyStoreError PROTECTOR_UNAVAILABLE where this is not Windows, MODULE_MISSING where koffi is not installed.
 */
export async function loadDpapi(): Promise<Crypt32> {
  if (process.platform !== 'win32')
    throw new KeyStoreError(
      'PROTECTOR_UNAVAILABLE',
      `the protector ${NAME} is a part of Windows, and this is ${process.platform}`,
      {
        hint: 'Use machine-secret or passphrase; what is sealed under dpapi opens where it was sealed.',
      },
    );
  const { loadCrypt32 } = await import('../../../native-bindings/crypt32.ts');
  return loadCrypt32();
}

class DpapiProtector implements Protector {
  readonly name = NAME;
  readonly posture: ProtectorPosture;
  readonly #scope: KeyScope;
  readonly #ownEntropy: Uint8Array;
  readonly #description: string;
  readonly #random: RandomFill;

  constructor(options: DpapiOptions) {
    const { scope = 'user', entropy = NO_ENTROPY, description = DESCRIPTION } = options;
    requireScope(scope);
    requireText('description', description, 1, MAX_DESCRIPTION);
    if (entropy.length > MAX_ENTROPY)
      throw new KeyStoreError('PARAMETER_INVALID', `entropy: want at most ${MAX_ENTROPY} bytes`);
    this.#scope = scope;
    this.#ownEntropy = entropy;
    this.#description = description;
    this.#random = options.random ?? randomFillSync;
    this.posture = POSTURES[scope];
  }

  async wrap(fileKey: SecretBytes, { silent }: ProtectorOptions = {}): Promise<ProtectedFileKey> {
    const crypt32 = await loadDpapi();
    const salt = new Uint8Array(ENTROPY_LENGTH);
    this.#random(salt);
    using entropy = this.#entropy(salt);
    const options = {
      entropy: entropy.bytes,
      description: this.#description,
      machine: this.#scope === 'machine',
      silent: silent ?? false,
    };
    try {
      return {
        name: NAME,
        parameters: encodeParameters({ scope: this.#scope, entropy: salt }),
        wrappedFileKey: crypt32.protectData(fileKey.bytes, options),
      };
    } catch (error) {
      throw protectFailure(error);
    }
  }

  async unwrap(
    { parameters, wrappedFileKey }: ProtectedFileKey,
    { silent }: ProtectorOptions = {},
  ): Promise<SecretBytes> {
    const { scope, entropy: salt } = readParameters(parameters);
    if (scope !== this.#scope)
      throw new KeyStoreError(
        'PROTECTOR_UNAVAILABLE',
        `the key was sealed under ${NAME} for the ${scope}, and this one is for the ${this.#scope}`,
        { hint: `Open it with dpapiProtector({ scope: '${scope}' }).` },
      );
    const crypt32 = await loadDpapi();
    using entropy = this.#entropy(salt);
    const options = { entropy: entropy.bytes, silent: silent ?? false };
    const fileKey = open(() => crypt32.unprotectData(wrappedFileKey, options).data);
    if (fileKey.length === FILE_KEY_LENGTH) return fileKey;
    fileKey.dispose();
    throw new KeyStoreError('KEY_FILE_DAMAGED', 'the sealed key of the key file was changed');
  }

  lock(): void {
    // Windows keeps the secret; nothing of it stays here.
  }

  #entropy(salt: Uint8Array): SecretBytes {
    const entropy = new SecretBytes(
      ENTROPY_PREFIX.length + ENTROPY_LENGTH + this.#ownEntropy.length,
    );
    entropy.bytes.set(ENTROPY_PREFIX);
    entropy.bytes.set(salt, ENTROPY_PREFIX.length);
    entropy.bytes.set(this.#ownEntropy, ENTROPY_PREFIX.length + ENTROPY_LENGTH);
    return entropy;
  }
}

interface DpapiParameters {
  readonly scope: KeyScope;
  /** 16 bytes. */
  readonly entropy: Uint8Array;
}

function encodeParameters({ scope, entropy }: DpapiParameters): Uint8Array {
  return sequence(integer(SCOPES.indexOf(scope), TAG.ENUMERATED), octetString(entropy));
}

function readParameters(parameters: Uint8Array): DpapiParameters {
  const outer = new DerReader(parameters, 'dpapi parameters');
  const r = outer.enter(TAG.SEQUENCE, 'parameters');
  outer.end();
  const scope = SCOPES[r.integer('scope', { max: SCOPES.length - 1, tag: TAG.ENUMERATED })]!;
  const entropy = r.octets('entropy', { min: ENTROPY_LENGTH, max: ENTROPY_LENGTH });
  r.end();
  return { scope, entropy };
}

function open(unprotect: () => Uint8Array): SecretBytes {
  try {
    return SecretBytes.take(unprotect());
  } catch (error) {
    throw unprotectFailure(error);
  }
}

const NAME = 'dpapi';
// Positions are numbers in the format: append only.
const SCOPES: readonly KeyScope[] = ['user', 'machine'];
const DESCRIPTION = 'keycask key file';
/** Two bytes each in the blob, which has a few hundred beside: far within LIMITS.wrappedFileKey. */
const MAX_DESCRIPTION = 256;
const MAX_ENTROPY = 4096;
const NO_ENTROPY = new Uint8Array(0);
const ENTROPY_PREFIX = encodeUtf8('keycask key file entropy v1');
const ENTROPY_LENGTH = 16;
const FILE_KEY_LENGTH = 32;
const POSTURES: Record<KeyScope, ProtectorPosture> = {
  user: {
    readableBy: [
      'this user',
      'administrators of this machine',
      "in a domain: holders of the domain's DPAPI backup key",
    ],
    couldRead: 'same user',
    // A change of the password re-encrypts DPAPI's master keys; a reset by somebody else cannot.
    survivesPasswordReset: false,
    survivesNewMachine: false,
    survivesTpmClear: true,
  },
  machine: {
    readableBy: ['every user of this machine'],
    couldRead: 'same user',
    survivesPasswordReset: true,
    survivesNewMachine: false,
    survivesTpmClear: true,
  },
};
