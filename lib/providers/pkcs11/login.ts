/** C_Login of the user: once for all sessions of this process with a token. */
import type { Pkcs11, SessionHandle } from '../../../native-bindings/pkcs11.ts';
import { CKF } from '../../../native-bindings/pkcs11-constants.ts';
import { CKR, hasCkr } from '../../../native-bindings/pkcs11-status.ts';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { FoundToken } from './find-token.ts';

export interface LoginOptions {
  /** NCRYPT_SILENT_FLAG: ask nobody. */
  readonly silent?: boolean;
}

export interface LoginParts extends LoginOptions {
  readonly api: Pkcs11;
  /** Any session with the token. */
  readonly handle: SessionHandle;
  readonly token: FoundToken;
  readonly pin: (() => Promise<SecretBytes>) | undefined;
  /**
   * Runs what reads or writes the token's flags while no other process of this user logs in: SoftHSM fails (CKR_GENERAL_ERROR) where two log
   * in at once, or one asks for the token's state while another logs in.
   */
  readonly alone: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Logs in, where the token wants that. The PIN is asked for, given to the token once, and wiped.
 *
 * @returns false where the token wants no login.
 * @throws KeyStoreError PASSWORD_REQUIRED, PASSWORD_WRONG, PIN_LOCKED.
 */
export async function requireLogin({
  api,
  handle,
  token,
  pin,
  silent,
  alone,
}: LoginParts): Promise<boolean> {
  const { flags } = await alone(() => api.tokenInfo(token.slot));
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (!has(CKF.LOGIN_REQUIRED)) return false;
  // A try that cannot succeed is not made.
  if (has(CKF.USER_PIN_LOCKED)) throw new KeyStoreError('PIN_LOCKED');
  if (!has(CKF.USER_PIN_INITIALIZED))
    throw new KeyStoreError('PIN_LOCKED', `the token ${name(token)} has no PIN of its user yet`);
  const hasKeyboard = has(CKF.PROTECTED_AUTHENTICATION_PATH);
  if (silent || !(pin || hasKeyboard))
    throw new KeyStoreError('PASSWORD_REQUIRED', `the token ${name(token)} wants its PIN`, {
      hint: 'Give --pin-file or KEYCASK_PIN.',
    });
  try {
    if (hasKeyboard || !pin) await api.login(handle, null);
    else {
      using secret = await pin();
      await alone(() => api.login(handle, secret.bytes));
    }
  } catch (error) {
    // By somebody else in this process: then the token is open to all of it.
    if (hasCkr(error, CKR.USER_ALREADY_LOGGED_IN)) return true;
    if (KeyStoreError.is(error) && error.code === 'PASSWORD_WRONG')
      throw await refused({ api, token, alone }, error);
    throw error;
  }
  return true;
}

/** How near the token is to locking itself, where it tells. */
async function refused(
  { api, token, alone }: Pick<LoginParts, 'api' | 'token' | 'alone'>,
  { native }: KeyStoreError,
): Promise<KeyStoreError> {
  const info = await alone(() => api.tokenInfo(token.slot)).catch(() => undefined);
  const flags = info?.flags ?? 0;
  const isLast = (flags & CKF.USER_PIN_FINAL_TRY) !== 0;
  const warning = isLast
    ? 'One more wrong PIN locks it.'
    : 'It was not tried again: too many wrong PINs lock a token.';
  return new KeyStoreError('PASSWORD_WRONG', `the token ${name(token)} refused the PIN`, {
    hint: `${warning} Give the right one with --pin-file or KEYCASK_PIN.`,
    ...(native && { native }),
  });
}

function name({ info }: FoundToken): string {
  return JSON.stringify(info.label);
}
