/** Statuses of Windows: their error codes, their names, and the errors that carry them. */
import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../../lib/error-codes.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../../lib/errors.ts';
import {
  checkNtStatus,
  checkSecurityStatus,
  checkWin32,
  nativeError,
} from '../../../native-bindings/check-win32.ts';
import {
  codeOfStatus,
  hasStatus,
  nameOfStatus,
  WINDOWS_STATUS,
} from '../../../native-bindings/windows-status.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

const CODES: Partial<Record<keyof typeof WINDOWS_STATUS, KeyStoreErrorCode>> = {
  NTE_BAD_KEYSET: 'CONTAINER_NOT_FOUND',
  NTE_NO_KEY: 'CONTAINER_NOT_FOUND',
  NTE_NOT_FOUND: 'CONTAINER_NOT_FOUND',
  NTE_EXISTS: 'CONTAINER_EXISTS',
  NTE_BAD_KEY_STATE: 'EXPORT_FORBIDDEN',
  NTE_PERM: 'PERMISSION_DENIED',
  ERROR_ACCESS_DENIED: 'PERMISSION_DENIED',
  E_ACCESSDENIED: 'PERMISSION_DENIED',
  NTE_BAD_FLAGS: 'FLAGS_INVALID',
  NTE_SILENT_CONTEXT: 'PASSWORD_REQUIRED',
  NTE_BAD_ALGID: 'ALGORITHM_UNSUPPORTED',
  NTE_NOT_SUPPORTED: 'NOT_SUPPORTED',
  STATUS_NOT_SUPPORTED: 'NOT_SUPPORTED',
  ERROR_CALL_NOT_IMPLEMENTED: 'NOT_SUPPORTED',
  NTE_INVALID_HANDLE: 'HANDLE_INVALID',
  ERROR_INVALID_HANDLE: 'HANDLE_INVALID',
  NTE_BAD_UID: 'HANDLE_INVALID',
  NTE_VBS_UNAVAILABLE: 'VBS_UNAVAILABLE',
  NTE_INVALID_PARAMETER: 'PARAMETER_INVALID',
  ERROR_INVALID_PARAMETER: 'PARAMETER_INVALID',
  NTE_BAD_LEN: 'PARAMETER_INVALID',
  ERROR_CANCELLED: 'CANCELLED',
  NTE_USER_CANCELLED: 'CANCELLED',
  SCARD_W_CANCELLED_BY_USER: 'CANCELLED',
  NTE_TOKEN_KEYSET_STORAGE_FULL: 'STORAGE_FULL',
  ERROR_DISK_FULL: 'STORAGE_FULL',
  NTE_PROV_DLL_NOT_FOUND: 'PROVIDER_UNAVAILABLE',
  NTE_PROVIDER_DLL_FAIL: 'PROVIDER_UNAVAILABLE',
  NTE_KEYSET_NOT_DEF: 'PROVIDER_UNAVAILABLE',
  NTE_PROV_TYPE_NOT_DEF: 'PROVIDER_UNAVAILABLE',
  NTE_PROV_TYPE_NO_MATCH: 'PROVIDER_UNAVAILABLE',
  NTE_DEVICE_NOT_READY: 'PROVIDER_UNAVAILABLE',
  ERROR_INVALID_DATA: 'BLOB_MALFORMED',
  NTE_BAD_DATA: 'BLOB_MALFORMED',
  NTE_BAD_SIGNATURE: 'BLOB_SIGNATURE_INVALID',
  STATUS_AUTH_TAG_MISMATCH: 'KEY_UNWRAP_FAILED',
  NTE_FAIL: 'IO_FAILED',
  NTE_INTERNAL_ERROR: 'IO_FAILED',
};

describe('the table', () => {
  test.each(Object.entries(CODES))('%s is %s', (name, code) => {
    expect(codeOfStatus(WINDOWS_STATUS[name as keyof typeof WINDOWS_STATUS])).toBe(code);
  });

  test('has each number once', () => {
    const numbers = Object.values(WINDOWS_STATUS);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('has the numbers that the table of error codes has', () => {
    const rows = Object.values(ERROR_CODES).filter(({ nteName }) => nteName in WINDOWS_STATUS);
    const theirs = rows.map(({ nteName, nte }) => [nteName, nte]);
    const ours = rows.map(({ nteName }) => {
      const value = WINDOWS_STATUS[nteName as keyof typeof WINDOWS_STATUS];
      // The table of codes has GetLastError numbers as HRESULTs.
      return [nteName, value <= 0xffff ? 0x80070000 + value : value];
    });
    expect(rows.length).toBeGreaterThan(20);
    expect(ours).toEqual(theirs);
  });

  test('a GetLastError number inside an HRESULT means the same', () => {
    expect(codeOfStatus(0x80070070)).toBe('STORAGE_FULL');
    expect(nameOfStatus(0x80070070)).toBe('ERROR_DISK_FULL');
    expect(nameOfStatus(WINDOWS_STATUS.E_ACCESSDENIED)).toBe('E_ACCESSDENIED');
  });

  test('a number that is not there is IO_FAILED, and is not lost', () => {
    expect(codeOfStatus(0x80091234)).toBe('IO_FAILED');
    expect(nameOfStatus(0x80091234)).toBeUndefined();
    expect(nativeError('CryptGenKey', 'win32', 0x80091234)).toMatchObject({
      code: 'IO_FAILED',
      message: 'CryptGenKey failed with 0x80091234',
      native: { api: 'CryptGenKey', family: 'win32', value: 0x80091234 },
    });
  });
});

describe('a failed call', () => {
  test('names the function, the number and its name', () => {
    const error = thrownBy(() => checkWin32('CryptGenKey', 0, () => WINDOWS_STATUS.NTE_EXISTS));
    expect(error).toMatchObject({
      code: 'CONTAINER_EXISTS',
      message: 'CryptGenKey failed with 0x8009000F (NTE_EXISTS)',
      native: { api: 'CryptGenKey', family: 'win32', value: 0x8009000f, name: 'NTE_EXISTS' },
    });
  });

  test('reads the last error only then, and takes any value but 0 for TRUE', () => {
    const unread = (): never => {
      throw new TypeError('GetLastError was read');
    };
    for (const ok of [1, -1, 0x100]) checkWin32('CryptGenKey', ok, unread);
    expect(() => checkWin32('CryptGenKey', 0, unread)).toThrow('GetLastError was read');
  });

  test('of NCrypt has its SECURITY_STATUS, without a sign', () => {
    checkSecurityStatus('NCryptOpenKey', 0);
    const error = thrownBy(() => checkSecurityStatus('NCryptOpenKey', 0x80090016 | 0));
    expect(error).toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
      native: { api: 'NCryptOpenKey', family: 'hresult', value: 0x80090016 },
    });
  });

  test('of BCrypt has its NTSTATUS; what NT_SUCCESS takes for success passes', () => {
    for (const status of [0, 0x103, 0x40000000]) checkNtStatus('BCryptDecrypt', status);
    expect(codeOf(() => checkNtStatus('BCryptDecrypt', 0x80000005))).toBe('IO_FAILED');
    const error = thrownBy(() => checkNtStatus('BCryptDecrypt', 0xc000000d | 0));
    expect(error).toMatchObject({
      code: 'PARAMETER_INVALID',
      native: { api: 'BCryptDecrypt', family: 'ntstatus', value: 0xc000000d },
    });
  });
});

test('hasStatus knows an error by its number, and no other thing', () => {
  const error = nativeError('NCryptGetProperty', 'hresult', WINDOWS_STATUS.NTE_NOT_FOUND);
  expect(hasStatus(error, WINDOWS_STATUS.NTE_BAD_FLAGS, WINDOWS_STATUS.NTE_NOT_FOUND)).toBe(true);
  expect(hasStatus(error, WINDOWS_STATUS.NTE_BAD_FLAGS)).toBe(false);
  expect(hasStatus(error)).toBe(false);
  expect(hasStatus(new KeyStoreError('CONTAINER_NOT_FOUND'), WINDOWS_STATUS.NTE_NOT_FOUND)).toBe(
    false,
  );
  for (const other of [undefined, null, WINDOWS_STATUS.NTE_NOT_FOUND, { native: error.native }])
    expect(hasStatus(other, WINDOWS_STATUS.NTE_NOT_FOUND)).toBe(false);
});
