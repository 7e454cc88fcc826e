/** Making a CNG key: NCryptCreatePersistedKey, what is set before NCryptFinalizeKey, and that. */
import {
  BCRYPT_PRIVATE_KEY_BLOB,
  BCRYPT_RSAFULLPRIVATE_BLOB,
} from '../../../native-bindings/bcrypt-constants.ts';
import {
  NCRYPT_EXPORT_POLICY_PROPERTY,
  NCRYPT_KEY_USAGE_PROPERTY,
  NCRYPT_LENGTH_PROPERTY,
  NCRYPT_OVERWRITE_KEY_FLAG,
  NCRYPT_PREFER_VBS_FLAG,
  NCRYPT_REQUIRE_VBS_FLAG,
  NCRYPT_SILENT_FLAG,
  NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG,
  NCRYPT_UI_PROTECT_KEY_FLAG,
  NCRYPT_USE_PER_BOOT_KEY_FLAG,
  NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG,
} from '../../../native-bindings/ncrypt-constants.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { KeyStoreError } from '../../errors.ts';
import { privateKeyToCngBlob } from '../../keys/cng-key-blob.ts';
import type { ExportPolicy, Isolation, UiPolicy } from '../../contracts/provider.ts';
import type { KeyToMake } from '../rules/key-storage.ts';
import { exportPkcs8 } from '../rules/private-key.ts';
import type { CngKeys } from './cng-keys.ts';
import { LEGACY_KEY_SPEC, scopeFlag } from './cng-names.ts';
import { dword, exportPolicyDword, isIsolated, keyUsageDword } from './cng-properties.ts';

/** null: ephemeral. */
export type NativeKeyName =
  | { readonly name: null; readonly overwrite?: false }
  | { readonly name: string; readonly overwrite: boolean };

/**
 * Makes a key and, if it has a name, keeps it. What fails leaves a key that it would have replaced as it was.
 *
 * @returns A handle, the caller's to free or to delete.
 * @throws KeyStoreError VBS_UNAVAILABLE, CONTAINER_EXISTS, what the calls throw.
 */
export async function makeKey(
  keys: CngKeys,
  key: KeyToMake<unknown>,
  native: NativeKeyName,
): Promise<Handle> {
  const { ncrypt } = keys;
  if (key.imported && !keys.keepsKeys) return importEphemeral(keys, key);
  const handle = createKey(keys, key, native);
  try {
    if (key.imported) setPrivateKey(keys, key, handle);
    setProperties(keys, key, handle);
    await ncrypt.finalizeKey(
      handle,
      silentFlag(key) | (key.writeToLegacyStore ? NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG : 0),
    );
    return handle;
  } catch (error) {
    ncrypt.freeObject(handle);
    throw error;
  }
}

/** What a key may have for a policy: none leaves VBS or a token, whatever was asked for. */
export function exportPolicyOf(
  keys: CngKeys,
  key: KeyToMake<unknown>,
  handle: Handle,
): ExportPolicy {
  const isSealed = keys.isHardware || (key.isolation !== 'none' && isIsolated(keys.ncrypt, handle));
  return isSealed ? NOT_EXPORTABLE : key.properties.exportPolicy;
}

function createKey(keys: CngKeys, key: KeyToMake<unknown>, native: NativeKeyName): Handle {
  const { ncrypt, provider } = keys;
  const { algorithm, legacyKeySpec, isolation, perBoot, scope } = key;
  const create = (vbsFlags: number): Handle =>
    ncrypt.createPersistedKey(provider, algorithm, {
      name: native.name,
      legacyKeySpec: LEGACY_KEY_SPEC[legacyKeySpec],
      flags:
        scopeFlag(scope) |
        silentFlag(key) |
        (native.overwrite ? NCRYPT_OVERWRITE_KEY_FLAG : 0) |
        vbsFlags,
    });
  // A TPM is as good as VBS, and its provider does not know the flags; that a key ends with the boot, only VBS can see to.
  if (isolation === 'none' || (keys.isHardware && !perBoot)) return create(0);
  try {
    return create(VBS_FLAG[isolation] | (perBoot ? NCRYPT_USE_PER_BOOT_KEY_FLAG : 0));
  } catch (error) {
    if (!hasStatus(error, ...KNOWS_NO_VBS)) throw error;
    if (isolation === 'require-vbs')
      throw new KeyStoreError('VBS_UNAVAILABLE', undefined, { native: error.native! });
    // Windows before 11 does not know the flag that asks it to fall back.
    return create(0);
  }
}

/**
 * Gives a key that is being made its private half, as "Key Import and Export" describes it: a property by the name of the blob.
 *
 * NCryptImportKey cannot be told what the key is for, and leaves a key open for its properties with some kinds of blobs only.
 */
function setPrivateKey({ ncrypt }: CngKeys, key: KeyToMake<unknown>, handle: Handle): void {
  using pkcs8 = exportPkcs8(key.imported!);
  using blob = privateKeyToCngBlob(pkcs8.bytes, key.algorithm);
  ncrypt.setProperty(handle, BCRYPT_PRIVATE_KEY_BLOB, blob.bytes, 0);
}

/** Wine's ncrypt, which makes RSA keys only, takes a private half in no other way. Such a key's properties are ours alone. */
function importEphemeral({ ncrypt, provider }: CngKeys, key: KeyToMake<unknown>): Handle {
  if (key.isolation === 'require-vbs') throw new KeyStoreError('VBS_UNAVAILABLE');
  using pkcs8 = exportPkcs8(key.imported!);
  using blob = privateKeyToCngBlob(pkcs8.bytes, key.algorithm);
  return ncrypt.importKey(provider, BCRYPT_RSAFULLPRIVATE_BLOB, blob.bytes, {
    flags: silentFlag(key),
  });
}

function setProperties(keys: CngKeys, key: KeyToMake<unknown>, handle: Handle): void {
  const { ncrypt } = keys;
  const { keyUsage, uiPolicy } = key.properties;
  const set = (property: string, value: Uint8Array): void =>
    ncrypt.setProperty(handle, property, value, 0);
  if (key.algorithm === 'RSA' && !key.imported) set(NCRYPT_LENGTH_PROPERTY, dword(key.rsaLength));
  const exportPolicy =
    key.isolation === 'require-vbs' ? NOT_EXPORTABLE : exportPolicyOf(keys, key, handle);
  set(NCRYPT_EXPORT_POLICY_PROPERTY, exportPolicyDword(exportPolicy));
  set(NCRYPT_KEY_USAGE_PROPERTY, keyUsageDword(keyUsage));
  if (uiPolicy.level === 'none') return;
  ncrypt.setUiPolicy(handle, {
    flags: UI_FLAGS[uiPolicy.level],
    creationTitle: uiPolicy.title ?? null,
    friendlyName: uiPolicy.title ?? null,
    description: null,
  });
}

function silentFlag({ silent }: Pick<KeyToMake<unknown>, 'silent'>): number {
  return silent ? NCRYPT_SILENT_FLAG : 0;
}

const NOT_EXPORTABLE: ExportPolicy = {
  export: false,
  plaintextExport: false,
  archive: false,
  plaintextArchive: false,
};
const VBS_FLAG: Record<Exclude<Isolation, 'none'>, number> = {
  'prefer-vbs': NCRYPT_PREFER_VBS_FLAG,
  'require-vbs': NCRYPT_REQUIRE_VBS_FLAG,
};
const UI_FLAGS: Record<Exclude<UiPolicy['level'], 'none'>, number> = {
  protect: NCRYPT_UI_PROTECT_KEY_FLAG,
  'force-high': NCRYPT_UI_PROTECT_KEY_FLAG | NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG,
};
const KNOWS_NO_VBS = [
  WINDOWS_STATUS.NTE_VBS_UNAVAILABLE,
  WINDOWS_STATUS.NTE_BAD_FLAGS,
  WINDOWS_STATUS.NTE_NOT_SUPPORTED,
];
