/** One answer to everything that a token's private key does not open. */
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';

/**
 * Runs an unwrap. What it fails with tells neither padding nor length nor what the token returned, unless the key itself was never used.
 *
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), or one of {@link BEFORE_THE_KEY}.
 */
export async function uniformly<Result>(unwrap: () => Promise<Result>): Promise<Result> {
  try {
    return await unwrap();
  } catch (error) {
    if (isBeforeTheKey(error)) throw error;
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

/** Some tokens answer wrong padding with CKR_DEVICE_ERROR: what a call that used the key returned is never told. */
function isBeforeTheKey(error: unknown): boolean {
  if (!KeyStoreError.is(error) || !BEFORE_THE_KEY.has(error.code)) return false;
  return !USES_THE_KEY.has(error.native?.api ?? '');
}

const BEFORE_THE_KEY: ReadonlySet<KeyStoreErrorCode> = new Set([
  'PASSWORD_REQUIRED',
  'PASSWORD_WRONG',
  'PIN_LOCKED',
  'CANCELLED',
  'HANDLE_INVALID',
  'PROVIDER_UNAVAILABLE',
]);

const USES_THE_KEY: ReadonlySet<string> = new Set([
  'C_DecryptInit',
  'C_Decrypt',
  'C_UnwrapKey',
  'C_DeriveKey',
  'C_GetAttributeValue',
  'C_DestroyObject',
]);
