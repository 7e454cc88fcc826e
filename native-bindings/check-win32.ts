/** Turns a failed call of Windows into a KeyStoreError that names the function and keeps its number. */
import { KeyStoreError, type NativeStatus } from '../lib/errors.ts';
import { codeOfStatus, nameOfStatus } from './windows-status.ts';

/**
 * Checks what a function returned that sets the thread's last error.
 *
 * @param api - Its name in the documentation, without W.
 * @param ok - The BOOL.
 * @param lastError - GetLastError. koffi keeps the number until its next call, so nothing native may be called between.
 * @throws KeyStoreError of {@link codeOfStatus}, with `native.family` win32.
 */
export function checkWin32(api: string, ok: number, lastError: () => number): void {
  if (ok === 0) throw nativeError(api, 'win32', lastError());
}

/**
 * Checks a SECURITY_STATUS, which NCrypt functions return. The last error is not theirs and is not read.
 *
 * @throws KeyStoreError of {@link codeOfStatus}, with `native.family` hresult.
 */
export function checkSecurityStatus(api: string, status: number): void {
  if (status !== 0) throw nativeError(api, 'hresult', status);
}

/**
 * Checks an NTSTATUS, which BCrypt functions return: what NT_SUCCESS (ntdef.h) takes for success passes.
 *
 * @throws KeyStoreError of {@link codeOfStatus}, with `native.family` ntstatus.
 */
export function checkNtStatus(api: string, status: number): void {
  // Severities 0 and 1, success and information, leave the top bit clear.
  if (status >>> 31 !== 0) throw nativeError(api, 'ntstatus', status);
}

/** The error of a call that returned this status. */
export function nativeError(
  api: string,
  family: NativeStatus['family'],
  status: number,
): KeyStoreError {
  // koffi reads a LONG with its sign; Windows writes statuses without.
  const value = status >>> 0;
  const name = nameOfStatus(value);
  const number = `0x${value.toString(16).toUpperCase().padStart(8, '0')}`;
  const message = `${api} failed with ${number}${name === undefined ? '' : ` (${name})`}`;
  const native = { api, family, value, ...(name !== undefined && { name }) };
  return new KeyStoreError(codeOfStatus(value), message, { native });
}
