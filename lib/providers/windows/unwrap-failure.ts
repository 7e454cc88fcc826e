/** One answer to everything that a private key does not open. */
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';

/**
 * Runs an unwrap. What it fails with tells neither padding nor length nor the call's status, unless the key itself was never used.
 *
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE); PASSWORD_REQUIRED, CANCELLED, HANDLE_INVALID, PERMISSION_DENIED, PROVIDER_UNAVAILABLE.
 */
export async function uniformly<Result>(unwrap: () => Promise<Result>): Promise<Result> {
  try {
    return await unwrap();
  } catch (error) {
    if (KeyStoreError.is(error) && BEFORE_THE_KEY.has(error.code)) throw error;
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

const BEFORE_THE_KEY: ReadonlySet<KeyStoreErrorCode> = new Set([
  'PASSWORD_REQUIRED',
  'CANCELLED',
  'HANDLE_INVALID',
  'PERMISSION_DENIED',
  'PROVIDER_UNAVAILABLE',
]);
