/** Opens the DPAPI blobs of a container's file with the master keys that they name. */
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { decodeDpapiBlob } from '../../windows-files/dpapi-blob.ts';
import { openDpapiBlob } from './dpapi-blob.ts';

/** The master key of a GUID (lower case, no braces), or undefined where it is not known. It stays the callee's: it is read, not kept. */
export type MasterKeySource = (
  guid: string,
) => SecretBytes | undefined | Promise<SecretBytes | undefined>;

/** What the files do not say of themselves. */
export interface OpenContainerOptions {
  /** What the user typed for a key with strong protection (CRYPT_USER_PROTECTED): UTF-16LE, without a null. */
  readonly strongPassword?: Uint8Array;
  /** The PIN of a key of Windows Hello that is kept in software: UTF-16LE, without a null. */
  readonly pin?: Uint8Array;
}

/** Opens a DPAPI blob with the master key that it names. */
export type OpenBlob = (
  blob: Uint8Array,
  options?: { readonly entropy?: Uint8Array; readonly strongPassword?: Uint8Array | undefined },
) => Promise<SecretBytes>;

/** Opens blobs with the master keys of a source. */
export function blobOpener(masterKeys: MasterKeySource): OpenBlob {
  return async (blob, { entropy, strongPassword } = {}) => {
    const { masterKeyGuid } = decodeDpapiBlob(blob);
    const masterKey = await masterKeys(masterKeyGuid);
    if (masterKey === undefined) throw masterKeyNotFound(masterKeyGuid);
    return openDpapiBlob(blob, masterKey, {
      ...(entropy && { entropy }),
      ...(strongPassword && { strongPassword }),
    });
  };
}

/** KEY_NOT_FOUND that names the master key. */
export function masterKeyNotFound(guid: string): KeyStoreError {
  return new KeyStoreError('KEY_NOT_FOUND', `master key ${guid} is not known`, {
    hint: `Copy the file ${guid} from the folder Protect\\<SID> of the account that made the key, or from a backup of it.`,
  });
}
