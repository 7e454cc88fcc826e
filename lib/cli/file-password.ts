/** The password of records that nothing else opens: given, or asked for once and used for all files of the run. */
import type { DecryptionKeyOptions, FileKeys } from '../contracts/file-keys.ts';
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { CommandContext } from './context.ts';
import type { PasswordOption } from './options.ts';

/** A password that is fetched when it is first needed, and wiped at the end. */
export interface PasswordOnce extends Disposable {
  /** Given by file or environment, or asked for by --password: used from the start. */
  readonly isWanted: boolean;
  get(): Promise<SecretBytes>;
}

/** @param options - `password` is true where the user said --password. */
export function passwordOnce(
  context: CommandContext,
  { password = false, passwordFile: file }: PasswordOption & { readonly password?: boolean },
): PasswordOnce {
  let asked: Promise<SecretBytes> | undefined;
  return {
    isWanted: password || context.isSecretGiven({ name: 'password', file }),
    get: () => (asked ??= context.readSecret({ name: 'password', prompt: 'Password', file })),
    [Symbol.dispose]: () => {
      asked?.then(
        (secret) => secret.dispose(),
        () => undefined,
      );
    },
  };
}

/** The password where it is wanted; else none yet. */
export async function wantedPassword(password: PasswordOnce): Promise<{ password?: SecretBytes }> {
  return password.isWanted ? { password: await password.get() } : {};
}

/** The same keys, which ask for the password when a record turns out to need one. */
export function askingForPassword(keys: FileKeys, password: PasswordOnce): FileKeys {
  return {
    fileKey: (options) => keys.fileKey(options),
    openHeaderRecord: async (record: Uint8Array, options: DecryptionKeyOptions = {}) => {
      if (password.isWanted)
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
