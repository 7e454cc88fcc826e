/** StorageProvider: a provider over a KeyStorage. Checks what callers ask, types or no types, and keeps account of handles. */
import type {
  CreateKeyOptions,
  KeyScope,
  LegacyKeySpec,
  OpenKeyOptions,
  PendingKey,
  PersistedKey,
  PersistedKeyInfo,
  Provider,
  ProviderCapabilities,
} from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import {
  readCreateOptions,
  requireAlgorithm,
  requireName,
  requireScope,
  requireSpec,
} from './key-request.ts';
import type { KeyName, KeyRequest, KeyStorage } from './key-storage.ts';
import { OpenHandles } from './open-handles.ts';
import { ProviderPendingKey } from './pending-key.ts';
import { algorithmOf, importPrivateKey } from './private-key.ts';
import { ProviderKey } from './provider-key.ts';

type RequestedKey = Pick<KeyRequest, 'algorithm' | 'name' | 'legacyKeySpec' | 'imported'>;

export class StorageProvider implements Provider {
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
  readonly #storage: KeyStorage;
  readonly #handles = new OpenHandles();

  constructor(storage: KeyStorage) {
    this.name = storage.name;
    this.capabilities = storage.capabilities;
    this.#storage = storage;
  }

  async createPersistedKey(
    algorithm: KeyAlgorithm,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options: CreateKeyOptions = {},
  ): Promise<PendingKey> {
    this.#handles.requireOpen();
    requireAlgorithm(algorithm);
    return this.#pending({ algorithm, name, legacyKeySpec }, options);
  }

  async importKey(
    privateKey: SecretBytes,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options: CreateKeyOptions = {},
  ): Promise<PendingKey> {
    this.#handles.requireOpen();
    if (!this.capabilities.import)
      throw new KeyStoreError('NOT_SUPPORTED', `the provider ${this.name} takes no private keys`);
    requireSpec(legacyKeySpec);
    // Not instanceof: the ESM and the CJS build have a class each.
    if (!((privateKey as SecretBytes | undefined)?.bytes instanceof Uint8Array))
      throw new KeyStoreError('PARAMETER_INVALID', 'a private key is given as SecretBytes');
    const imported = importPrivateKey(privateKey);
    const algorithm = algorithmOf(imported, legacyKeySpec);
    return this.#pending({ algorithm, name, legacyKeySpec, imported }, options);
  }

  async openKey(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    options: OpenKeyOptions = {},
  ): Promise<PersistedKey> {
    const keyName = this.requireKeyName(name, legacyKeySpec, options);
    const stored = await this.#storage.open(keyName, { silent: options.silent ?? false });
    if (!stored) throw new KeyStoreError('CONTAINER_NOT_FOUND');
    const parts = { storage: this.#storage, handles: this.#handles, stored };
    const key = new ProviderKey({ ...parts, isOriginal: false });
    try {
      this.#handles.requireOpen();
    } catch (error) {
      await key.close();
      throw error;
    }
    return key;
  }

  async *listKeys(options: { readonly scope?: KeyScope } = {}): AsyncIterable<PersistedKeyInfo> {
    this.#handles.requireOpen();
    if (options.scope !== undefined) requireScope(options.scope);
    const scopes = options.scope === undefined ? this.capabilities.scopes : [options.scope];
    let unreadable: KeyStoreError | undefined;
    for (const scope of scopes) {
      this.#handles.requireOpen();
      for await (const info of this.#storage.list(scope)) {
        this.#handles.requireOpen();
        if (KeyStoreError.is(info)) unreadable = info;
        else yield info;
      }
    }
    // Only now, so that one bad key does not hide the others.
    if (unreadable) throw unreadable;
  }

  async close(): Promise<void> {
    if (await this.#handles.close()) await this.#storage.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws KeyStoreError PARAMETER_INVALID; HANDLE_INVALID once the provider was closed. */
  protected requireKeyName(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    { scope }: OpenKeyOptions,
  ): KeyName {
    this.#handles.requireOpen();
    requireName(name);
    requireSpec(legacyKeySpec);
    if (scope !== undefined) requireScope(scope);
    return { name, legacyKeySpec, scope: scope ?? 'user' };
  }

  async #pending(key: RequestedKey, options: CreateKeyOptions): Promise<PendingKey> {
    const request = { ...key, ...readCreateOptions(key, options) };
    const parts = { storage: this.#storage, handles: this.#handles, request };
    if (!this.capabilities.algorithms.includes(key.algorithm))
      throw new KeyStoreError(
        'ALGORITHM_UNSUPPORTED',
        `the provider ${this.name} has no ${key.algorithm}`,
      );
    const { name } = request;
    if (name === null) return new ProviderPendingKey(parts);
    if (!this.capabilities.persisted)
      throw new KeyStoreError('NOT_SUPPORTED', 'this provider makes ephemeral keys only');
    const place = await this.#storage.place({ ...request, name });
    this.#handles.requireOpen();
    return new ProviderPendingKey({ ...parts, place });
  }
}
