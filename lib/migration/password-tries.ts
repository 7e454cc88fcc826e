/** Trying every password that was given on a key file, and saying that none fits in the words of who migrates. */
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';

/**
 * What the first password that fits opens; tried without one at last.
 *
 * @throws KeyStoreError PASSWORD_WRONG where none fits, PASSWORD_REQUIRED where none was given; what `open` throws for any other reason.
 */
export async function openWithPasswords<T>(
  passwords: readonly SecretBytes[],
  open: (password: Uint8Array | undefined) => Promise<T>,
): Promise<T> {
  for (const password of [...passwords.map(({ bytes }) => bytes), undefined]) {
    try {
      return await open(password);
    } catch (error) {
      if (!KeyStoreError.is(error) || !OTHER_PASSWORD.has(error.code)) throw error;
    }
  }
  throw passwords.length > 0
    ? new KeyStoreError('PASSWORD_WRONG', 'no password that was given opens it', { hint: HINT })
    : new KeyStoreError('PASSWORD_REQUIRED', 'it is under a password', { hint: HINT });
}

const HINT = 'Give its password with --legacy-password-file, which may have several, one a line.';
const OTHER_PASSWORD: ReadonlySet<string> = new Set(['PASSWORD_WRONG', 'PASSWORD_REQUIRED']);
