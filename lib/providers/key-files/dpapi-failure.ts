/** What DPAPI's failures mean for a key file. */
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { KeyStoreError } from '../../errors.ts';

/**
 * Of CryptProtectData: Windows has no secret to seal under, as in an account whose profile is not loaded.
 *
 * @returns PROTECTOR_UNAVAILABLE with what Windows said; what is no failure of Windows as it is.
 */
export function protectFailure(error: unknown): unknown {
  if (!KeyStoreError.is(error) || !error.native) return error;
  const { message, native } = error;
  return new KeyStoreError('PROTECTOR_UNAVAILABLE', message, { hint: NO_SECRET, native });
}

/**
 * Of CryptUnprotectData. Its number tells two things apart: Windows could not get at its own key, which says nothing of the file; or it
 * could, and the blob does not open. A blob whose reference to that key was changed looks like the former.
 *
 * @returns PROTECTOR_UNAVAILABLE with what Windows said, or KEY_FILE_DAMAGED without; what is no failure of Windows as it is.
 */
export function unprotectFailure(error: unknown): unknown {
  if (!KeyStoreError.is(error) || !error.native) return error;
  const { message, native } = error;
  if (hasStatus(error, ...OF_THE_BLOB))
    return new KeyStoreError(
      'KEY_FILE_DAMAGED',
      'the sealed key of the key file was changed, or was sealed with other entropy',
    );
  return new KeyStoreError('PROTECTOR_UNAVAILABLE', message, { hint: NOT_ITS_OWN, native });
}

/** The first is what CryptUnprotectData says of other entropy and of most damage; the others, of a blob whose fields make no sense. */
const OF_THE_BLOB = [
  WINDOWS_STATUS.ERROR_INVALID_DATA,
  WINDOWS_STATUS.ERROR_INVALID_PARAMETER,
  WINDOWS_STATUS.NTE_BAD_LEN,
  WINDOWS_STATUS.NTE_BAD_DATA,
  WINDOWS_STATUS.NTE_BAD_VER,
];
const NO_SECRET =
  'Windows has no secret for this account: its profile may not be loaded, as in some services. Use machine-secret or passphrase.';
const NOT_ITS_OWN =
  'It was sealed by another user, on another machine, or before the password was reset (changed is well); or the profile is not loaded. Open it where it was sealed, or import an archive of the container.';
