/** Constants of the bindings against those of Windows' headers. */
import { describe, expect, test } from 'vitest';
import * as bcrypt from '../../../native-bindings/bcrypt-constants.ts';
import * as ncrypt from '../../../native-bindings/ncrypt-constants.ts';
import * as system from '../../../native-bindings/system-constants.ts';
import * as wincrypt from '../../../native-bindings/wincrypt.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { HEADER_VALUES } from './header-values.ts';

const OURS: Record<string, string | number> = {
  ...wincrypt,
  ...bcrypt,
  ...ncrypt,
  ...system,
  ...WINDOWS_STATUS,
};

const HEADERS: Record<string, string | number> = {
  ...HEADER_VALUES.numbers,
  ...HEADER_VALUES.texts,
  ...HEADER_VALUES.statuses,
};

/** mingw-w64 does not have these yet; from the pages of learn.microsoft.com that name them, and ncrypt.h of the Windows 11 SDK. */
const NEWER: Record<string, string | number> = {
  NCRYPT_PREFER_VBS_FLAG: 0x00010000,
  NCRYPT_REQUIRE_VBS_FLAG: 0x00020000,
  NCRYPT_USE_PER_BOOT_KEY_FLAG: 0x00040000,
  NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY: 'Virtual Iso',
  NCRYPT_USE_PER_BOOT_KEY_PROPERTY: 'Per Boot Key',
  NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG: 0x20,
  NTE_VBS_UNAVAILABLE: 0x80090045,
  NTE_VBS_CANNOT_DECRYPT_KEY: 0x80090046,
  STATUS_AUTH_TAG_MISMATCH: 0xc000a002,
};

describe('the bindings have', () => {
  test('every constant of the tables, with their values', () => {
    expect(Object.keys(OURS).length).toBeGreaterThan(200);
    expect(OURS).toEqual({ ...HEADERS, ...NEWER });
  });

  test('no sign in any number', () => {
    const numbers = Object.values(OURS).filter((value) => typeof value === 'number');
    expect(numbers.length).toBeGreaterThan(100);
    expect(numbers.map((value) => value >>> 0)).toEqual(numbers);
  });
});
