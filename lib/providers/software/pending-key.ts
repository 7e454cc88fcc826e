/** SoftwarePendingKey: a key between NCryptCreatePersistedKey and NCryptFinalizeKey. */
import type { KeyObject } from 'node:crypto';
import type {
  FinalizeOptions,
  Isolation,
  KeyProperties,
  KeyPropertyName,
  KeyScope,
  LegacyKeySpec,
  PendingKey,
  PersistedKey,
} from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import type { FactsToWrite, KeyName, StoredProperties } from '../key-files/key-facts.ts';
import type { KeyFiles } from '../key-files/key-files.ts';
import type { KeyHost, KeyPlaces } from './key-host.ts';
import {
  DEFAULT_RSA_LENGTH,
  exportPkcs8,
  generatePrivateKey,
  publicKeyOf,
  RSA_LENGTHS,
} from '../rules/private-key.ts';
import { changeProperty, defaultProperties } from '../rules/key-properties.ts';
import { exportPrivateKeyBlob } from './rsa-key-blob.ts';
import { SoftwareKey } from './software-key.ts';

/** What was asked for, checked. */
export interface KeyRequest {
  readonly algorithm: KeyAlgorithm;
  readonly name: string | null;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly scope: KeyScope;
  readonly isolation: Isolation;
  readonly perBoot: boolean;
  readonly silent: boolean;
  /** Of a key that is brought in. */
  readonly imported?: KeyObject;
  /** What lay under the name when the key was asked for: 0 for nothing. Only that may be replaced. */
  readonly replaces: number;
}

/** A named key on its way to the disk. */
interface KeyToWrite extends KeyPlaces {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
  readonly toLegacyStore: boolean;
}

export class SoftwarePendingKey implements PendingKey {
  readonly #host: KeyHost;
  readonly #request: KeyRequest;
  #properties: StoredProperties;
  #rsaLength: number = DEFAULT_RSA_LENGTH;
  #state: 'pending' | 'being finalized' | 'finalized' = 'pending';

  constructor(host: KeyHost, request: KeyRequest) {
    this.#host = host;
    this.#request = request;
    this.#properties = defaultProperties(request, request.isolation, host.clock());
  }

  async setProperty<P extends KeyPropertyName>(
    property: P,
    value: KeyProperties[P],
  ): Promise<void> {
    this.#requirePending();
    const { algorithm, imported } = this.#request;
    if (property === 'length' && algorithm === 'RSA' && !imported)
      this.#rsaLength = requireRsaLength(value);
    else
      this.#properties = changeProperty(this.#properties, this.#request, {
        property,
        value,
        isFinalized: false,
      });
  }

  async finalize(options: FinalizeOptions = {}): Promise<PersistedKey> {
    this.#requirePending();
    const toLegacyStore = options.writeToLegacyStore ?? false;
    if (toLegacyStore) this.#requireLegacyStore();
    this.#state = 'being finalized';
    try {
      const key = await this.#make(toLegacyStore);
      this.#state = 'finalized';
      return key;
    } finally {
      // What failed may be tried again: nothing was made.
      if (this.#state !== 'finalized') this.#state = 'pending';
    }
  }

  async #make(toLegacyStore: boolean): Promise<PersistedKey> {
    const { imported, replaces: _, ...request } = this.#request;
    const { algorithm, name } = request;
    const privateKey = imported ?? (await generatePrivateKey(algorithm, this.#rsaLength));
    const publicKey = publicKeyOf(privateKey);
    this.#properties = { ...this.#properties, modified: this.#host.clock() };
    const { places } = this.#host;
    if (name !== null && places)
      await this.#write({ ...places, name, privateKey, publicKey, toLegacyStore });
    this.#host.requireOpen();
    return new SoftwareKey(this.#host, {
      ...request,
      properties: this.#properties,
      privateKey,
      publicKey,
      ...(name !== null && places && { protector: places.files.protector }),
      inLegacyStore: toLegacyStore,
      isOriginal: true,
    });
  }

  async #write(key: KeyToWrite): Promise<void> {
    const { algorithm, scope, legacyKeySpec, perBoot, silent, replaces } = this.#request;
    const { files, legacyFiles, name, publicKey } = key;
    const bootSecretId = perBoot ? await files.bootSecretId() : undefined;
    const facts: FactsToWrite = {
      generation: replaces + 1,
      name,
      scope,
      legacyKeySpec,
      algorithm,
      publicKey,
      properties: this.#properties,
      ...(bootSecretId && { bootSecretId }),
    };
    using pkcs8 = exportPkcs8(key.privateKey);
    if (!(await files.write(facts, pkcs8, { silent }))) throw new KeyStoreError('CONTAINER_EXISTS');
    try {
      // An older container of that name would come to light when this key is deleted.
      if (!key.toLegacyStore) await legacyFiles?.remove({ name, scope, legacyKeySpec });
      else if (legacyFiles) await this.#writeLegacy(legacyFiles, facts, key.privateKey);
    } catch (error) {
      // What it overwrote is gone: then a key without its copy is better than none.
      if (replaces === 0) await files.remove({ name, scope, legacyKeySpec, publicKey });
      throw error;
    }
  }

  async #writeLegacy(
    legacyFiles: KeyFiles,
    facts: FactsToWrite,
    privateKey: KeyObject,
  ): Promise<void> {
    using blob = exportPrivateKeyBlob(privateKey, facts.legacyKeySpec);
    const generation = ((await legacyFiles.present(facts))?.generation ?? 0) + 1;
    const { silent } = this.#request;
    const copy = { ...facts, generation };
    if (!(await legacyFiles.write(copy, blob, { silent })))
      throw new KeyStoreError('CONTAINER_EXISTS');
  }

  /** A CryptoAPI container has a slot for each spec, holds RSA, and outlives a boot. */
  #requireLegacyStore(): void {
    const { algorithm, name, legacyKeySpec, perBoot } = this.#request;
    const fits = algorithm === 'RSA' && name !== null && legacyKeySpec !== 'none' && !perBoot;
    if (!fits)
      throw new KeyStoreError(
        'FLAGS_INVALID',
        'writeToLegacyStore is for a named RSA key, AT_KEYEXCHANGE or AT_SIGNATURE, not per boot',
      );
    if (!this.#host.places?.legacyFiles)
      throw new KeyStoreError('NOT_SUPPORTED', 'this provider was opened without a legacy store');
  }

  #requirePending(): void {
    this.#host.requireOpen();
    if (this.#state !== 'pending')
      throw new KeyStoreError('HANDLE_INVALID', 'this key is finalized already');
  }
}

/**
 * Where a key of this name stands now, and whether it may be made.
 *
 * @throws KeyStoreError CONTAINER_EXISTS unless `overwrite`.
 */
export async function generationToReplace(
  { files, legacyFiles }: KeyPlaces,
  name: KeyName,
  overwrite: boolean,
): Promise<number> {
  const present = await files.present(name);
  const legacy = await legacyFiles?.present(name);
  const exists = [present, legacy].some((key) => key && !key.isDeleted);
  if (exists && !overwrite) throw new KeyStoreError('CONTAINER_EXISTS');
  return present?.generation ?? 0;
}

function requireRsaLength(value: unknown): number {
  const length = RSA_LENGTHS.find((known) => known === value);
  if (length === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', `length: want ${RSA_LENGTHS.join(', ')}`);
  return length;
}
