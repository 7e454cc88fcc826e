/** Declares functions of the C library that this process runs on, each failure of which is a KeyStoreError with its errno. */
import process from 'node:process';
import { KeyStoreError, type KeyStoreErrorCode } from '../lib/errors.ts';
import type { NativeFunction } from './async-call.ts';
import { loadKoffi, type Koffi } from './koffi.ts';

/** C's types. */
export const C_PARAMETER = {
  INT: 'int',
  LONG: 'long',
  ULONG: 'unsigned long',
  SIZE: 'size_t',
  /** Bytes in place, of the caller: a typed array or null. */
  BYTES: 'void *',
  /** More arguments follow, each after its type. */
  VARIADIC: '...',
} as const;

type CParameter = (typeof C_PARAMETER)[keyof typeof C_PARAMETER];

/** The functions of the C library, whichever it is: glibc, musl, libSystem. */
export class LibC {
  readonly #koffi: Koffi;
  readonly #library: ReturnType<Koffi['load']>;

  constructor(koffi: Koffi) {
    this.#koffi = koffi;
    // What the process is linked with, so that the file's name, which differs, does not matter.
    this.#library = koffi.load(null);
  }

  /**
   * A function that returns -1 where it failed, and says why in errno.
   *
   * @returns The function; what it returns is a number that is not negative.
   * @throws KeyStoreError PERMISSION_DENIED (EACCES, EPERM), NOT_SUPPORTED (ENOSYS, EOPNOTSUPP) or IO_FAILED, with errno.
   */
  checked(name: string, parameters: readonly CParameter[]): (...args: unknown[]) => number {
    const result = name === 'syscall' ? C_PARAMETER.LONG : C_PARAMETER.INT;
    const native = this.#library.func(name, result, [...parameters]) as NativeFunction;
    return (...args) => {
      const returned = Number(native(...args));
      // At once: the next call of Node's own would change errno.
      if (returned < 0) throw this.#failure(name, this.#koffi.errno());
      return returned;
    };
  }

  #failure(api: string, value: number): KeyStoreError {
    const { errno } = this.#koffi.os;
    const name = Object.keys(errno).find((key) => errno[key] === value) ?? 'an unknown errno';
    return new KeyStoreError(CODES[name] ?? 'IO_FAILED', `${api} failed: ${name} (${value})`, {
      native: { api, family: 'errno', value, name },
    });
  }
}

/**
 * @param platform - The only one that has what will be declared.
 * @throws KeyStoreError NOT_SUPPORTED on another platform, MODULE_MISSING without koffi.
 */
export async function openLibC(platform: 'linux' | 'darwin'): Promise<LibC> {
  if (process.platform !== platform)
    throw new KeyStoreError(
      'NOT_SUPPORTED',
      `that is a part of ${PLATFORMS[platform]}, and this is ${process.platform}`,
    );
  return new LibC(await loadKoffi());
}

/** Did a function of the C library fail with one of these names of errno.h? */
export function hasErrno(error: unknown, ...names: readonly string[]): error is KeyStoreError {
  return (
    KeyStoreError.is(error) &&
    error.native?.family === 'errno' &&
    names.includes(error.native.name ?? '')
  );
}

const PLATFORMS = { linux: 'Linux', darwin: 'macOS' } as const;
const CODES: Partial<Record<string, KeyStoreErrorCode>> = {
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  ENOSYS: 'NOT_SUPPORTED',
  EOPNOTSUPP: 'NOT_SUPPORTED',
  ENOTSUP: 'NOT_SUPPORTED',
};
