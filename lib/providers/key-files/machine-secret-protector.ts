/** The machine-secret protector: file keys under a random secret in a folder of this machine, outside every home. */
import { join } from 'node:path';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { octetString, sequence } from '../../bytes/der-writer.ts';
import { encodeUtf8, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { hkdf } from '../../kdf/hkdf.ts';
import { unwrapAesKey, wrapAesKey } from '../../keys/aes-key-wrap.ts';
import type { RandomFill, SecretBytes } from '../../keys/secret-bytes.ts';
import { defaultStateFolder } from '../../platform/folders.ts';
import type { ProtectedFileKey, Protector } from './protector.ts';
import { readOrMakeSecretFile, readSecretFile } from './secret-file.ts';

export interface MachineSecretOptions {
  /** Where the secret lies. Default: the platform's folder for an application's state. */
  readonly folder?: string;
  readonly random?: RandomFill;
}

/**
 * Seals under 32 random bytes in `<folder>/machine-secret`, made when first needed. A copy of the home without that file opens nowhere else.
 *
 *   parameters ::= SEQUENCE { secretId OCTET STRING (16) }
 */
export function machineSecretProtector(options: MachineSecretOptions = {}): Protector {
  return new MachineSecretProtector(options);
}

/** File name of the secret inside its folder. */
const MACHINE_SECRET_FILE = 'machine-secret';

class MachineSecretProtector implements Protector {
  readonly name = NAME;
  readonly posture = {
    readableBy: ['this user', 'administrators of this machine'],
    couldRead: 'same user' as const,
    survivesPasswordReset: true,
    survivesNewMachine: false,
    survivesTpmClear: true,
  };
  readonly #path: string;
  readonly #random: RandomFill | undefined;
  /** A promise, so that keys opened at once read the secret once. */
  #keys: Promise<Keys> | undefined;

  constructor({ folder, random }: MachineSecretOptions) {
    this.#path = join(folder ?? defaultStateFolder(), MACHINE_SECRET_FILE);
    this.#random = random;
  }

  async wrap(fileKey: SecretBytes): Promise<ProtectedFileKey> {
    const make = () => readOrMakeSecretFile(this.#path, this.#random);
    // A reading that began before may find no secret; it is forgotten by then.
    const { id, wrapping } = await this.#remembered(make).catch((error: unknown) => {
      if (!KeyStoreError.is(error) || error.code !== 'PROTECTOR_UNAVAILABLE') throw error;
      return this.#remembered(make);
    });
    return {
      name: NAME,
      parameters: sequence(octetString(id)),
      wrappedFileKey: wrapAesKey(wrapping.bytes, fileKey),
    };
  }

  async unwrap({ parameters, wrappedFileKey }: ProtectedFileKey): Promise<SecretBytes> {
    const wanted = readSecretId(parameters);
    const { id, wrapping } = await this.#remembered(() => this.#read());
    if (!equalBytes(wanted, id))
      throw new KeyStoreError(
        'PROTECTOR_UNAVAILABLE',
        `the key was sealed under another machine secret than ${this.#path}`,
      );
    try {
      return unwrapAesKey(wrapping.bytes, wrappedFileKey);
    } catch {
      throw new KeyStoreError('KEY_FILE_DAMAGED', 'the sealed key of the key file was changed');
    }
  }

  lock(): void {
    this.#keys?.then(
      ({ wrapping }) => wrapping.dispose(),
      () => undefined,
    );
    this.#keys = undefined;
  }

  #remembered(read: () => Promise<SecretBytes>): Promise<Keys> {
    if (this.#keys) return this.#keys;
    const keys = read().then(keysOf);
    this.#keys = keys;
    keys.catch(() => {
      // It may be there the next time.
      if (this.#keys === keys) this.#keys = undefined;
    });
    return keys;
  }

  async #read(): Promise<SecretBytes> {
    const secret = await readSecretFile(this.#path);
    if (secret) return secret;
    throw new KeyStoreError('PROTECTOR_UNAVAILABLE', `${this.#path} is missing`);
  }
}

interface Keys {
  /** Names the secret without telling it. */
  readonly id: Uint8Array;
  readonly wrapping: SecretBytes;
}

/** Disposes of the secret. */
function keysOf(secret: SecretBytes): Keys {
  try {
    using id = hkdf('sha256', secret.bytes, NO_SALT, ID_INFO, 16);
    const wrapping = hkdf('sha256', secret.bytes, NO_SALT, WRAPPING_INFO, 32);
    return { id: Uint8Array.from(id.bytes), wrapping };
  } finally {
    secret.dispose();
  }
}

function readSecretId(parameters: Uint8Array): Uint8Array {
  const outer = new DerReader(parameters, 'machine-secret parameters');
  const r = outer.enter(TAG.SEQUENCE, 'parameters');
  outer.end();
  const id = r.octets('secretId', { min: 16, max: 16 });
  r.end();
  return id;
}

const NAME = 'machine-secret';
const NO_SALT = new Uint8Array(0);
const ID_INFO = encodeUtf8('keycask machine secret id v1');
const WRAPPING_INFO = encodeUtf8('keycask machine secret wrapping key v1');
