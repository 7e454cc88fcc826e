/** FaultyNCrypt: ncrypt.dll's calls, of which one fails. */
import { nativeError } from '../../native-bindings/check-win32.ts';
import type { NCrypt } from '../../native-bindings/ncrypt.ts';
import { WINDOWS_STATUS } from '../../native-bindings/windows-status.ts';
import { KeyStoreError } from '../../lib/errors.ts';

export class FaultyNCrypt {
  readonly ncrypt: NCrypt;
  /** Name of the call that failed with NTE_FAIL and was not made; '' as long as none has. */
  failed = '';
  /** Names of calls that were made with a handle that was free. */
  readonly freedTwice: string[] = [];
  readonly #failAt: number;
  #count = 0;

  /** @param failAt - Which call fails, from 1. To open the provider, and to free, never fails and does not count. */
  constructor(real: NCrypt, failAt: number) {
    this.#failAt = failAt;
    this.ncrypt = new Proxy(real, {
      get: (calls, name: keyof NCrypt) => this.#faulty(name, calls[name]),
    });
  }

  #faulty(name: keyof NCrypt, call: (...args: never[]) => unknown) {
    return (...args: never[]): unknown => {
      if (!RELIABLE.has(name) && ++this.#count === this.#failAt) {
        this.failed = name;
        const failure = nativeError(name, 'hresult', WINDOWS_STATUS.NTE_FAIL);
        if (ASYNCHRONOUS.has(name)) return Promise.reject(failure);
        throw failure;
      }
      try {
        return call(...args);
      } catch (error) {
        if (KeyStoreError.is(error) && error.code === 'HANDLE_INVALID') this.freedTwice.push(name);
        throw error;
      }
    };
  }
}

const RELIABLE: ReadonlySet<string> = new Set<keyof NCrypt>(['openStorageProvider', 'freeObject']);
const ASYNCHRONOUS: ReadonlySet<string> = new Set<keyof NCrypt>([
  'finalizeKey',
  'decrypt',
  'signHash',
  'secretAgreement',
  'deriveKey',
]);
