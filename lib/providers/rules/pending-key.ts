/** ProviderPendingKey: a key between NCryptCreatePersistedKey and NCryptFinalizeKey. */
import type {
  FinalizeOptions,
  KeyProperties,
  KeyPropertyName,
  PendingKey,
  PersistedKey,
} from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { changeProperty, defaultProperties, type StoredProperties } from './key-properties.ts';
import type { KeyRequest, KeyStorage } from './key-storage.ts';
import type { OpenHandles } from './open-handles.ts';
import { DEFAULT_RSA_LENGTH } from './private-key.ts';
import { ProviderKey } from './provider-key.ts';

export interface PendingKeyParts {
  readonly storage: KeyStorage;
  readonly handles: OpenHandles;
  readonly request: KeyRequest;
  /** Of a key with a name. */
  readonly place?: unknown;
}

export class ProviderPendingKey implements PendingKey {
  readonly #parts: PendingKeyParts;
  #properties: StoredProperties;
  #rsaLength: number = DEFAULT_RSA_LENGTH;
  #state: 'pending' | 'being finalized' | 'finalized' = 'pending';

  constructor(parts: PendingKeyParts) {
    const { request, storage } = parts;
    this.#parts = parts;
    this.#properties = defaultProperties(request, request.isolation, storage.clock());
  }

  async setProperty<P extends KeyPropertyName>(
    property: P,
    value: KeyProperties[P],
  ): Promise<void> {
    this.#requirePending();
    const { algorithm, imported } = this.#parts.request;
    if (property === 'length' && algorithm === 'RSA' && !imported)
      this.#rsaLength = this.#requireRsaLength(value);
    else
      this.#properties = changeProperty(this.#properties, this.#parts.request, {
        property,
        value,
        isFinalized: false,
      });
  }

  async finalize(options: FinalizeOptions = {}): Promise<PersistedKey> {
    this.#requirePending();
    const writeToLegacyStore = options.writeToLegacyStore ?? false;
    if (writeToLegacyStore) this.#requireLegacyStore();
    this.#state = 'being finalized';
    try {
      const key = await this.#make(writeToLegacyStore);
      this.#state = 'finalized';
      return key;
    } finally {
      // What failed may be tried again: nothing was made.
      if (this.#state !== 'finalized') this.#state = 'pending';
    }
  }

  async #make(writeToLegacyStore: boolean): Promise<PersistedKey> {
    const { storage, handles, request, place } = this.#parts;
    const stored = await storage.make({
      ...request,
      rsaLength: this.#rsaLength,
      properties: { ...this.#properties, modified: storage.clock() },
      writeToLegacyStore,
      ...(request.name !== null && { place }),
    });
    const key = new ProviderKey({ storage, handles, stored, isOriginal: true });
    try {
      handles.requireOpen();
    } catch (error) {
      await key.close();
      throw error;
    }
    return key;
  }

  /** A CryptoAPI container has a slot for each spec, holds RSA, outlives a boot, and lies outside of VBS. */
  #requireLegacyStore(): void {
    const { algorithm, name, legacyKeySpec, isolation } = this.#parts.request;
    const hasSlot = name !== null && legacyKeySpec !== 'none';
    const fits = algorithm === 'RSA' && hasSlot && isolation === 'none';
    if (!fits)
      throw new KeyStoreError(
        'FLAGS_INVALID',
        'writeToLegacyStore is for a named RSA key, AT_KEYEXCHANGE or AT_SIGNATURE, without isolation',
      );
    if (!this.#parts.storage.capabilities.legacyStore)
      throw new KeyStoreError('NOT_SUPPORTED', 'this provider has no legacy store');
  }

  #requireRsaLength(value: unknown): number {
    const { rsaLengths } = this.#parts.storage.capabilities;
    const length = rsaLengths.find((known) => known === value);
    if (length === undefined)
      throw new KeyStoreError(
        'PARAMETER_INVALID',
        `length: want ${rsaLengths.join(', ') || 'no RSA key: this provider makes none'}`,
      );
    return length;
  }

  #requirePending(): void {
    this.#parts.handles.requireOpen();
    if (this.#state !== 'pending')
      throw new KeyStoreError('HANDLE_INVALID', 'this key is finalized already');
  }
}
