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
    survivesPasswordReset: true,
    survivesNewMachine: false,
    survivesTpmClear: true,
  };
  readonly #path: string;
  readonly #random: RandomFill | undefined;
  #keys: Keys | undefined;

  constructor({ folder, random }: MachineSecretOptions) {
    this.#path = join(folder ?? defaultStateFolder(), MACHINE_SECRET_FILE);
    this.#random = random;
  }

  async wrap(fileKey: SecretBytes): Promise<ProtectedFileKey> {
    this.#keys ??= keysOf(await readOrMakeSecretFile(this.#path, this.#random));
    return {
      name: NAME,
      parameters: sequence(octetString(this.#keys.id)),
      wrappedFileKey: wrapAesKey(this.#keys.wrapping.bytes, fileKey),
    };
  }

  async unwrap({ parameters, wrappedFileKey }: ProtectedFileKey): Promise<SecretBytes> {
    const id = readSecretId(parameters);
    const keys = (this.#keys ??= await this.#read());
    if (!equalBytes(id, keys.id))
      throw new KeyStoreError(
        'PROTECTOR_UNAVAILABLE',
        `the key was sealed under another machine secret than ${this.#path}`,
      );
    try {
      return unwrapAesKey(keys.wrapping.bytes, wrappedFileKey);
    } catch {
      throw new KeyStoreError('KEY_FILE_DAMAGED', 'the sealed key of the key file was changed');
    }
  }

  lock(): void {
    this.#keys?.wrapping.dispose();
    this.#keys = undefined;
  }

  async #read(): Promise<Keys> {
    const secret = await readSecretFile(this.#path);
    if (!secret) throw new KeyStoreError('PROTECTOR_UNAVAILABLE', `${this.#path} is missing`);
    return keysOf(secret);
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
