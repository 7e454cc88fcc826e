/** Declares functions of a DLL of Windows, each with the check of what it returns. */
import process from 'node:process';
import type { TypeObject } from 'koffi';
import { KeyStoreError } from '../lib/errors.ts';
import { callAsync, type NativeFunction } from './async-call.ts';
import { checkNtStatus, checkSecurityStatus, checkWin32 } from './check-win32.ts';
import { loadKoffi, type Koffi } from './koffi.ts';

/** A handle or a pointer of Windows; 0n is none. */
export type Handle = bigint;

/** The bigint of an address or handle: koffi gives small ones as numbers. */
export function toHandle(value: unknown): Handle {
  return BigInt(value as number | bigint);
}

/** One parameter of a function: one of {@link PARAMETER}, or a type that koffi made. */
export type Parameter = string | TypeObject | ReturnType<Koffi['out']>;

/**
 * Windows' types, of one size on every system that koffi runs on.
 *
 * A `DWORD *` is given as an array of one number, a `HANDLE *` as one of one bigint; the call fills it.
 */
export const PARAMETER = {
  BOOL: 'int32_t',
  /** Also ULONG, ALG_ID and LONG statuses: `unsigned long` has 4 bytes on Windows and 8 elsewhere. */
  DWORD: 'uint32_t',
  INOUT_DWORD: '_Inout_ uint32_t *',
  HANDLE: 'uintptr_t',
  OUT_HANDLE: '_Out_ uintptr_t *',
  /** Bytes in place: a Uint8Array or null. */
  BYTES: 'void *',
  OUT_POINTER: '_Out_ void **',
  /** LPCWSTR: a string or null. */
  WIDE_STRING: 'str16',
} as const;

/** A function of Windows that throws KeyStoreError when it fails. Its name there is in `native.api`. */
export interface CheckedFunction {
  (...args: readonly unknown[]): void;
  /** The same on the thread pool; {@link callAsync} says what that means for the arguments. */
  async(...args: readonly unknown[]): Promise<void>;
}

/** A DLL whose functions are looked up when they are first called. */
export class WindowsDll {
  readonly koffi: Koffi;
  /**
   * GetLastError (errhandlingapi.h) of this thread.
   *
   * koffi saves the number after each of its calls, so it is that of koffi's last call even when Node called Windows since.
   */
  readonly lastError: () => number;
  readonly #name: string;
  readonly #library: ReturnType<Koffi['load']>;

  constructor(koffi: Koffi, name: string) {
    this.koffi = koffi;
    this.#name = name;
    this.#library = load(koffi, name);
    const getLastError = load(koffi, 'kernel32.dll').func(
      '__stdcall',
      'GetLastError',
      PARAMETER.DWORD,
      [],
    );
    this.lastError = () => getLastError() as number;
  }

  /** A function that returns BOOL and sets the last error. */
  win32(name: string, parameters: readonly Parameter[]): CheckedFunction {
    const check = (api: string, ok: number): void => checkWin32(api, ok, this.lastError);
    return this.#checked({ name, parameters, result: PARAMETER.BOOL, check });
  }

  /** A function that returns SECURITY_STATUS. */
  securityStatus(name: string, parameters: readonly Parameter[]): CheckedFunction {
    return this.#checked({ name, parameters, result: PARAMETER.DWORD, check: checkSecurityStatus });
  }

  /** A function that returns NTSTATUS. */
  ntStatus(name: string, parameters: readonly Parameter[]): CheckedFunction {
    return this.#checked({ name, parameters, result: PARAMETER.DWORD, check: checkNtStatus });
  }

  /** A function whose result the caller judges. */
  plain(name: string, result: Parameter, parameters: readonly Parameter[]): NativeFunction {
    let native: NativeFunction | undefined;
    const find = (): NativeFunction => (native ??= this.#find(name, result, parameters));
    return Object.assign((...args: readonly unknown[]): unknown => find()(...args), {
      async: (...args: readonly unknown[]): void => find().async(...args),
    });
  }

  /** Whether this Windows has the function: looks it up and does not call it. */
  has(name: string): boolean {
    try {
      this.#library.symbol(name);
      return true;
    } catch {
      return false;
    }
  }

  #checked({ name, parameters, result, check }: Declaration): CheckedFunction {
    const native = this.plain(name, result, parameters);
    const api = name.replace(/W$/u, '');
    return Object.assign(
      (...args: readonly unknown[]): void => check(api, native(...args) as number),
      {
        async: (...args: readonly unknown[]): Promise<void> =>
          callAsync(native, args, (returned) => check(api, returned as number)),
      },
    );
  }

  #find(name: string, result: Parameter, parameters: readonly Parameter[]): NativeFunction {
    try {
      return this.#library.func('__stdcall', name, result, [...parameters]) as NativeFunction;
    } catch {
      throw new KeyStoreError('NOT_SUPPORTED', `this ${this.#name} has no ${name}`);
    }
  }
}

interface Declaration {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly result: string;
  readonly check: (api: string, returned: number) => void;
}

/**
 * Opens a DLL that is a part of Windows.
 *
 * @throws KeyStoreError PROVIDER_UNAVAILABLE on another system, before koffi is loaded, and where Windows has no such DLL; MODULE_MISSING.
 */
export async function openDll(name: string): Promise<WindowsDll> {
  if (process.platform !== 'win32')
    throw new KeyStoreError(
      'PROVIDER_UNAVAILABLE',
      `${name} is a part of Windows, and this is ${process.platform}`,
      { hint: ELSEWHERE },
    );
  return new WindowsDll(await loadKoffi(), name);
}

function load(koffi: Koffi, name: string): ReturnType<Koffi['load']> {
  try {
    return koffi.load(name);
  } catch {
    throw new KeyStoreError('PROVIDER_UNAVAILABLE', `${name} could not be loaded`, {
      hint: ELSEWHERE,
    });
  }
}

const ELSEWHERE = 'Use --provider software.';
