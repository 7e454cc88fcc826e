/** KeyHost: what the keys of an open provider share, and what closes them with it. */
import { KeyStoreError } from '../../errors.ts';
import type { KeyFiles } from '../key-files/key-files.ts';

/** Where a provider keeps named keys. */
export interface KeyPlaces {
  readonly files: KeyFiles;
  /** CryptoAPI containers. */
  readonly legacyFiles?: KeyFiles;
}

/** A handle that is closed with its provider. */
interface OpenHandle {
  close(): Promise<void>;
}

export class KeyHost {
  /** undefined: ephemeral keys only. */
  readonly places: KeyPlaces | undefined;
  readonly clock: () => Date;
  readonly #handles = new Set<OpenHandle>();
  #isClosed = false;

  constructor(clock: () => Date, places?: KeyPlaces) {
    this.clock = clock;
    this.places = places;
  }

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

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#handles].map((handle) => handle.close()));
    this.places?.files.lock();
    this.places?.legacyFiles?.lock();
  }
}
