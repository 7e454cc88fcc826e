/** What a key is called in a key storage provider. */
import type { KeyScope, LegacyKeySpec } from '../../contracts/provider.ts';
import {
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
  NCRYPT_MACHINE_KEY_FLAG,
} from '../../../native-bindings/ncrypt-constants.ts';
import type { KeyName } from '../rules/key-storage.ts';
import { nativeNameOf, type NativeName } from '../windows/native-name.ts';

/**
 * Names of a key, plain or hashed. CNG tells keys by their name alone, so the keys of a container cannot all bear its name:
 * the exchange key does, the others have a suffix.
 */
export function cngNameOf(key: KeyName): NativeName {
  const { plain, hashed } = nativeNameOf(key);
  const isTaken = SUFFIXES.some((suffix) => plain?.endsWith(suffix));
  return {
    plain: plain === undefined || isTaken ? undefined : plain + SUFFIX[key.legacyKeySpec],
    hashed,
  };
}

/** dwLegacyKeySpec, ncrypt.h. */
export const LEGACY_KEY_SPEC: Record<LegacyKeySpec, number> = {
  none: 0,
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
};

export function legacyKeySpecOf(value: number): LegacyKeySpec {
  const found = Object.entries(LEGACY_KEY_SPEC).find(([, number]) => number === value);
  return (found?.[0] ?? 'none') as LegacyKeySpec;
}

export function scopeFlag(scope: KeyScope): number {
  return scope === 'machine' ? NCRYPT_MACHINE_KEY_FLAG : 0;
}

const SUFFIX: Record<LegacyKeySpec, string> = {
  none: '~none',
  AT_KEYEXCHANGE: '',
  AT_SIGNATURE: '~signature',
};
const SUFFIXES = Object.values(SUFFIX).filter((suffix) => suffix !== '');
