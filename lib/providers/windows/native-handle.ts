/** NativeHandle: a handle of Windows that is freed once, after the last call that uses it has come back. */
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { KeyStoreError } from '../../errors.ts';

export class NativeHandle {
  /** undefined once it is closed: nobody begins another call with it. */
  #handle: Handle | undefined;
  readonly #free: (handle: Handle) => void;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(handle: Handle, free: (handle: Handle) => void) {
    this.#handle = handle;
    this.#free = free;
  }

  /** @throws KeyStoreError HANDLE_INVALID after {@link close}. */
  async use<Result>(work: (handle: Handle) => Promise<Result> | Result): Promise<Result> {
    if (this.#handle === undefined) throw new KeyStoreError('HANDLE_INVALID');
    this.#running++;
    try {
      return await work(this.#handle);
    } finally {
      if (--this.#running === 0) this.#onIdle?.();
    }
  }

  /** Idempotent. What runs may end. */
  async close(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    await this.#idle();
    this.#free(handle);
  }

  /** For calls that free the handle themselves (NCryptDeleteKey): it is theirs from now on. */
  async release(): Promise<Handle> {
    const handle = this.#handle;
    if (handle === undefined) throw new KeyStoreError('HANDLE_INVALID');
    this.#handle = undefined;
    await this.#idle();
    return handle;
  }

  async #idle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
