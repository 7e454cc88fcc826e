/** One answer to everything that a private key does not open. */
import { describe, expect, it } from 'vitest';
import { nativeError } from '../../../native-bindings/check-win32.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { BlobFormatError, KeyStoreError } from '../../../lib/errors.ts';
import { uniformly } from '../../../lib/providers/windows/unwrap-failure.ts';
import { codeOfAsync } from '../../support/errors.ts';

async function failureOf(error: Error): Promise<unknown> {
  try {
    return await uniformly(async () => {
      throw error;
    });
  } catch (failure) {
    return failure;
  }
}

describe('an unwrap that fails', () => {
  it('says one thing of padding, length, data and whatever else depends on the key', async () => {
    const statuses: readonly (keyof typeof WINDOWS_STATUS)[] = [
      'NTE_BAD_DATA',
      'NTE_BAD_LEN',
      'NTE_INVALID_PARAMETER',
      'NTE_DECRYPTION_FAILURE',
      'NTE_BUFFER_TOO_SMALL',
      'NTE_INTERNAL_ERROR',
      'NTE_FAIL',
      'NTE_NOT_SUPPORTED',
      'NTE_BAD_KEY_STATE',
    ];
    const errors = [
      ...statuses.map((name) => nativeError('NCryptDecrypt', 'hresult', WINDOWS_STATUS[name])),
      new KeyStoreError('PARAMETER_INVALID'),
      new BlobFormatError({
        format: 'ECCPUBLICBLOB',
        field: 'X',
        offset: 8,
        problem: 'not on the curve',
      }),
      new TypeError('anything'),
    ];
    const told = new Set<string>();
    for (const error of errors) {
      const failure = await failureOf(error);
      expect(failure).toMatchObject({ code: 'KEY_UNWRAP_FAILED', native: undefined });
      expect((failure as Error).cause).toBeUndefined();
      told.add(JSON.stringify(failure));
    }
    expect(told.size).toBe(1);
  });

  it('says as it is what came before the key was used', async () => {
    const statuses = {
      NTE_SILENT_CONTEXT: 'PASSWORD_REQUIRED',
      NTE_USER_CANCELLED: 'CANCELLED',
      NTE_INVALID_HANDLE: 'HANDLE_INVALID',
      NTE_PERM: 'PERMISSION_DENIED',
      NTE_DEVICE_NOT_READY: 'PROVIDER_UNAVAILABLE',
    } as const;
    for (const [name, code] of Object.entries(statuses)) {
      const value = WINDOWS_STATUS[name as keyof typeof statuses];
      const error = nativeError('NCryptDecrypt', 'hresult', value);
      expect(await failureOf(error)).toBe(error);
      expect(error).toMatchObject({ code, native: { api: 'NCryptDecrypt', value } });
    }
  });

  it('fails in the same way when it does not even begin', async () => {
    const throwing = uniformly(() => {
      throw new TypeError('at once');
    });
    expect(await codeOfAsync(throwing)).toBe('KEY_UNWRAP_FAILED');
    expect(await uniformly(() => Promise.resolve('opened'))).toBe('opened');
  });
});
