/** NativeHandle: a handle of Windows that is freed once, after the last call that uses it has come back. */
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { KeyStoreError } from '../../errors.ts';

export class NativeHandle {
  /** undefined once it is free, or somebody else's. */
  #handle: Handle | undefined;
  readonly #free: (handle: Handle) => void;
  /** Nobody begins another use of a handle that is being closed. */
  #isOpen = true;
  #running = 0;
  #onIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(handle: Handle, free: (handle: Handle) => void) {
    this.#handle = handle;
    this.#free = free;
  }

  /**
   * The handle, for calls that belong to a {@link use} or come back before anybody can close it.
   *
   * @throws KeyStoreError HANDLE_INVALID once it is free.
   */
  get value(): Handle {
    if (this.#handle === undefined) throw new KeyStoreError('HANDLE_INVALID');
    return this.#handle;
  }

  /** @throws KeyStoreError HANDLE_INVALID after {@link close}. */
  async use<Result>(work: (handle: Handle) => Promise<Result> | Result): Promise<Result> {
    if (!this.#isOpen) throw new KeyStoreError('HANDLE_INVALID');
    this.#running++;
    try {
      return await work(this.value);
    } finally {
      if (--this.#running === 0) this.#onIdle?.();
    }
  }

  /** Idempotent. What runs may end; it is free when the promise settles, whoever closed it first. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  /** For calls that free the handle themselves: it is theirs from now on. */
  async release(): Promise<Handle> {
    if (!this.#isOpen) throw new KeyStoreError('HANDLE_INVALID');
    this.#isOpen = false;
    return this.#take();
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#free(await this.#take());
  }

  async #take(): Promise<Handle> {
    if (this.#running > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    const handle = this.value;
    this.#handle = undefined;
    return handle;
  }
}
