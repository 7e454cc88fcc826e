/** The password of records that nothing else opens: given, or asked for once and used for all files of the run. */
import type { DecryptionKeyOptions, FileKeys } from '../contracts/file-keys.ts';
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { CommandContext } from './context.ts';

/** A password that is fetched when it is first needed, and wiped at the end. */
export interface PasswordOnce extends Disposable {
  /** Given by file or environment: used from the start. */
  readonly isGiven: boolean;
  get(): Promise<SecretBytes>;
}

export function passwordOnce(context: CommandContext, file: string | undefined): PasswordOnce {
  let asked: Promise<SecretBytes> | undefined;
  return {
    isGiven: context.isSecretGiven({ name: 'password', file }),
    get: () => (asked ??= context.readSecret({ name: 'password', prompt: 'Password', file })),
    [Symbol.dispose]: () => {
      asked?.then(
        (secret) => secret.dispose(),
        () => undefined,
      );
    },
  };
}

/** The password where it is given; else none yet. */
export async function givenPassword(password: PasswordOnce): Promise<{ password?: SecretBytes }> {
  return password.isGiven ? { password: await password.get() } : {};
}

/** The same keys, which ask for the password when a record turns out to need one. */
export function askingForPassword(keys: FileKeys, password: PasswordOnce): FileKeys {
  return {
    fileKey: (options) => keys.fileKey(options),
    openHeaderRecord: async (record: Uint8Array, options: DecryptionKeyOptions = {}) => {
      if (password.isGiven)
        return keys.openHeaderRecord(record, { ...options, password: await password.get() });
      try {
        return await keys.openHeaderRecord(record, options);
      } catch (error) {
        if (!KeyStoreError.is(error) || error.code !== 'PASSWORD_REQUIRED') throw error;
        return keys.openHeaderRecord(record, { ...options, password: await password.get() });
      }
    },
  };
}
