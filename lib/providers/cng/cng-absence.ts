/** Why a key is not found, as far as it can be told: NCryptOpenKey answers NTE_BAD_KEYSET also of what this account may not read. */
import type { ListedKey } from '../../../native-bindings/ncrypt-provider.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { KeyStoreError, type NativeStatus } from '../../errors.ts';
import type { KeyName } from '../rules/key-storage.ts';
import type { CngKeys } from './cng-keys.ts';
import { cngNameOf, legacyKeySpecOf } from './cng-names.ts';

/** @returns CONTAINER_NOT_FOUND, with a hint where the other scope has the key; PERMISSION_DENIED where it is there all the same. */
export function whyAbsent(keys: CngKeys, name: KeyName): KeyStoreError {
  if (isListedButShut(keys, name)) return denied(name, BAD_KEYSET);
  const scope = name.scope === 'user' ? 'machine' : 'user';
  const isElsewhere = isThere(keys, { ...name, scope });
  return new KeyStoreError('CONTAINER_NOT_FOUND', undefined, {
    native: BAD_KEYSET,
    ...(isElsewhere && { hint: `There is one of that name with scope ${scope}.` }),
  });
}

export function denied({ name, scope }: KeyName, native: NativeStatus): KeyStoreError {
  return new KeyStoreError(
    'PERMISSION_DENIED',
    `the ${scope} key ${JSON.stringify(name)} exists, but this account may not read it`,
    { native, hint: 'Ask whoever made it, or an administrator, to let this account use it.' },
  );
}

function isListedButShut(keys: CngKeys, name: KeyName): boolean {
  const { plain, hashed } = cngNameOf(name);
  const candidates = [plain, hashed, name.name].map((candidate) => candidate?.toLowerCase());
  return keys
    .listed(name.scope)
    .some((entry) => candidates.includes(entry.name.toLowerCase()) && isShut(keys, name, entry));
}

function isShut(keys: CngKeys, { scope }: KeyName, entry: ListedKey): boolean {
  const legacyKeySpec = legacyKeySpecOf(entry.legacyKeySpec);
  const handle = keys.open(entry.name, { scope, legacyKeySpec, silent: true });
  if (handle === undefined) return true;
  keys.ncrypt.freeObject(handle);
  return false;
}

function isThere(keys: CngKeys, name: KeyName): boolean {
  try {
    const found = keys.find(name, { silent: true });
    if (found) keys.ncrypt.freeObject(found.handle);
    return found !== undefined;
  } catch (error) {
    return KeyStoreError.is(error) && error.code === 'PERMISSION_DENIED';
  }
}

const BAD_KEYSET: NativeStatus = {
  api: 'NCryptOpenKey',
  family: 'hresult',
  value: WINDOWS_STATUS.NTE_BAD_KEYSET,
  name: 'NTE_BAD_KEYSET',
};
