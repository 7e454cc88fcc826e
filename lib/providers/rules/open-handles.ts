/** OpenHandles: what an open provider has handed out, and what closes it. */
import { KeyStoreError } from '../../errors.ts';

/** A handle that is closed with its provider. */
interface OpenHandle {
  close(): Promise<void>;
}

export class OpenHandles {
  readonly #handles = new Set<OpenHandle>();
  #isClosed = false;

  /** @throws KeyStoreError HANDLE_INVALID once the provider was closed. */
  requireOpen(): void {
    if (this.#isClosed) throw new KeyStoreError('HANDLE_INVALID');
  }

  opened(handle: OpenHandle): void {
    this.#handles.add(handle);
  }

  closed(handle: OpenHandle): void {
    this.#handles.delete(handle);
  }

  /** @returns false where that was done before. */
  async close(): Promise<boolean> {
    const isFirst = !this.#isClosed;
    this.#isClosed = true;
    await Promise.all([...this.#handles].map((handle) => handle.close()));
    return isFirst;
  }
}
