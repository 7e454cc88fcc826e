/** Beginning a CNG key: NCryptCreatePersistedKey or NCryptImportKey, and what is set before NCryptFinalizeKey. */
import {
  BCRYPT_ECCPRIVATE_BLOB,
  BCRYPT_RSAFULLPRIVATE_BLOB,
} from '../../../native-bindings/bcrypt-constants.ts';
import {
  NCRYPT_DO_NOT_FINALIZE_FLAG,
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
import type { Isolation, UiPolicy } from '../../contracts/provider.ts';
import type { KeyToMake } from '../rules/key-storage.ts';
import { exportPkcs8 } from '../rules/private-key.ts';
import type { CngKeys } from './cng-keys.ts';
import { LEGACY_KEY_SPEC, scopeFlag } from './cng-names.ts';
import { dword, exportPolicyDword, keyUsageDword } from './cng-properties.ts';

/** null: ephemeral. */
export type NativeKeyName =
  | { readonly name: null; readonly overwrite?: false }
  | { readonly name: string; readonly overwrite: boolean };

/** A key that cannot be used yet. Whoever began it frees the handle, whether or not it is finalized. */
export interface BegunKey {
  readonly handle: Handle;
  finalize(): Promise<void>;
}

/** @throws KeyStoreError VBS_UNAVAILABLE, CONTAINER_EXISTS, what the calls throw. */
export function beginKey(keys: CngKeys, key: KeyToMake<unknown>, name: NativeKeyName): BegunKey {
  const { ncrypt } = keys;
  const begun = key.imported ? importKey(keys, key, name) : createKey(keys, key, name);
  const { handle } = begun;
  try {
    if (!begun.isFinalized) setProperties(keys, key, handle);
  } catch (error) {
    ncrypt.freeObject(handle);
    throw error;
  }
  const flags =
    (key.silent ? NCRYPT_SILENT_FLAG : 0) |
    (key.writeToLegacyStore ? NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG : 0);
  return {
    handle,
    finalize: () => (begun.isFinalized ? Promise.resolve() : ncrypt.finalizeKey(handle, flags)),
  };
}

interface NativeKey {
  readonly handle: Handle;
  readonly isFinalized: boolean;
}

function createKey(keys: CngKeys, key: KeyToMake<unknown>, native: NativeKeyName): NativeKey {
  const { ncrypt, provider } = keys;
  const create = (isolation: Isolation): Handle =>
    ncrypt.createPersistedKey(provider, key.algorithm, {
      name: native.name,
      legacyKeySpec: LEGACY_KEY_SPEC[key.legacyKeySpec],
      flags:
        requestFlags(key, native) |
        VBS_FLAG[isolation] |
        (key.perBoot && isolation !== 'none' ? NCRYPT_USE_PER_BOOT_KEY_FLAG : 0),
    });
  try {
    return { handle: create(key.isolation), isFinalized: false };
  } catch (error) {
    if (key.isolation === 'none' || !hasStatus(error, ...KNOWS_NO_VBS)) throw error;
    if (key.isolation === 'require-vbs') throw asVbsUnavailable(error);
    // Windows before 11 does not know the flag that asks it to fall back.
    return { handle: create('none'), isFinalized: false };
  }
}

function importKey(keys: CngKeys, key: KeyToMake<unknown>, native: NativeKeyName): NativeKey {
  const { ncrypt, provider } = keys;
  const blobType = key.algorithm === 'RSA' ? BCRYPT_RSAFULLPRIVATE_BLOB : BCRYPT_ECCPRIVATE_BLOB;
  using pkcs8 = exportPkcs8(key.imported!);
  using blob = privateKeyToCngBlob(pkcs8.bytes, key.algorithm);
  const bring = (flags: number): Handle =>
    ncrypt.importKey(provider, blobType, blob.bytes, {
      ...(native.name !== null && { keyName: native.name }),
      flags: requestFlags(key, native) | flags,
    });
  if (key.isolation === 'require-vbs') throw new KeyStoreError('VBS_UNAVAILABLE');
  try {
    return { handle: bring(NCRYPT_DO_NOT_FINALIZE_FLAG), isFinalized: false };
  } catch (error) {
    // Wine finalizes what it imports. An ephemeral key's properties are ours alone.
    if (native.name !== null || !hasStatus(error, WINDOWS_STATUS.NTE_BAD_FLAGS)) throw error;
    return { handle: bring(0), isFinalized: true };
  }
}

function setProperties({ ncrypt }: CngKeys, key: KeyToMake<unknown>, handle: Handle): void {
  const { exportPolicy, keyUsage, uiPolicy } = key.properties;
  const set = (property: string, value: Uint8Array): void =>
    ncrypt.setProperty(handle, property, value, 0);
  if (key.algorithm === 'RSA' && !key.imported) set(NCRYPT_LENGTH_PROPERTY, dword(key.rsaLength));
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

function requestFlags({ scope, silent }: KeyToMake<unknown>, { overwrite }: NativeKeyName): number {
  return (
    scopeFlag(scope) |
    (silent ? NCRYPT_SILENT_FLAG : 0) |
    (overwrite ? NCRYPT_OVERWRITE_KEY_FLAG : 0)
  );
}

function asVbsUnavailable(error: unknown): KeyStoreError {
  const native = KeyStoreError.is(error) ? error.native : undefined;
  return new KeyStoreError('VBS_UNAVAILABLE', undefined, { ...(native && { native }) });
}

const VBS_FLAG: Record<Isolation, number> = {
  none: 0,
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
