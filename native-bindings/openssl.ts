/** Declares functions of the OpenSSL that the runtime carries, each of which leaves OpenSSL's error queue empty. */
import { KeyStoreError } from '../lib/errors.ts';
import type { NativeFunction } from './async-call.ts';
import { loadKoffi, type Koffi } from './koffi.ts';
import type { Parameter } from './windows-dll.ts';

/** OpenSSL's types. */
export const OPENSSL_PARAMETER = {
  INT: 'int',
  SIZE: 'size_t',
  /** A pointer to a structure of OpenSSL's own, as a number; 0 is none. */
  HANDLE: 'uintptr_t',
  /** Bytes in place, of the caller: a Uint8Array or null. */
  BYTES: 'void *',
  STRING: 'const char *',
} as const;

/** The functions of OpenSSL's that the program which runs us exports: node does. */
export class OpenSsl {
  readonly #library: ReturnType<Koffi['load']>;
  readonly #clearErrors: NativeFunction;

  constructor(koffi: Koffi) {
    this.#library = koffi.load(null);
    this.#clearErrors = this.#find('ERR_clear_error', 'void', []);
  }

  /**
   * A function that returns 1 when it did it.
   *
   * @throws KeyStoreError PARAMETER_INVALID when it did not: with right arguments these functions do not fail. Nothing of the reason is
   *   told, since it can depend on a secret.
   */
  checked(name: string, parameters: readonly Parameter[]): (...args: readonly unknown[]) => void {
    const call = this.plain(name, OPENSSL_PARAMETER.INT, parameters);
    return (...args) => {
      if ((call(...args) as number) <= 0)
        throw new KeyStoreError('PARAMETER_INVALID', `OpenSSL's ${name} failed`);
    };
  }

  /**
   * A function whose result the caller judges.
   *
   * What a failed call leaves in the error queue of this thread would be taken for the failure of a later call of node:crypto or TLS,
   * so the queue is emptied before anything else runs.
   *
   * @throws KeyStoreError PROVIDER_UNAVAILABLE where this OpenSSL does not have it.
   */
  plain(
    name: string,
    result: Parameter,
    parameters: readonly Parameter[],
  ): (...args: readonly unknown[]) => unknown {
    const native = this.#find(name, result, parameters);
    return (...args) => {
      const returned = native(...args);
      this.#clearErrors();
      return returned;
    };
  }

  #find(name: string, result: Parameter, parameters: readonly Parameter[]): NativeFunction {
    try {
      return this.#library.func(name, result, [...parameters]) as NativeFunction;
    } catch {
      throw new KeyStoreError(
        'PROVIDER_UNAVAILABLE',
        `this runtime has no OpenSSL with ${name} to call`,
        { hint: 'Run it with Node itself: Electron, Bun and Deno carry other cryptography.' },
      );
    }
  }
}

/** @throws KeyStoreError MODULE_MISSING without koffi, PROVIDER_UNAVAILABLE without OpenSSL. */
export async function openOpenSsl(): Promise<OpenSsl> {
  return new OpenSsl(await loadKoffi());
}
