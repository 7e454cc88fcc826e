/** SoftwareStorage: keys in this process while in use, on disk in sealed key files. */
import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../../bytes/octets.ts';
import type { KeyScope, PersistedKeyInfo, ProviderCapabilities } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { RsaThreads } from '../../keys/rsa-threads.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { FactsToWrite, KeyFacts } from '../key-files/key-facts.ts';
import type { KeyFiles } from '../key-files/key-files.ts';
import { refuseVbs } from '../rules/key-request.ts';
import type {
  KeyName,
  KeyRequest,
  KeyStorage,
  KeyToMake,
  StoredKey,
} from '../rules/key-storage.ts';
import { exportPkcs8, publicKeyOf, readPkcs8, RSA_LENGTHS } from '../rules/private-key.ts';
import { generatePrivateKey } from './generate.ts';
import { exportPrivateKeyBlob, readPrivateKeyBlob } from './rsa-key-blob.ts';
import { SoftwareKey, type KeyPlaces } from './software-key.ts';

/** The generation of the file that lay under the name: 0 for nothing. */
type Generation = number;

/** A key pair that was made. */
interface MadeKey {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

export class SoftwareStorage implements KeyStorage<Generation> {
  readonly name = 'software';
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;
  /** undefined: ephemeral keys only. */
  readonly #places: KeyPlaces | undefined;
  readonly #rsaThreads: RsaThreads | undefined;

  constructor(clock: () => Date, places?: KeyPlaces, rsaThreads?: RsaThreads) {
    this.clock = clock;
    this.#places = places;
    this.#rsaThreads = rsaThreads;
    this.capabilities = {
      algorithms: ['RSA', 'ECDH_P256', 'ECDH_P384', 'ECDSA_P256', 'ECDSA_P384'],
      rsaLengths: RSA_LENGTHS,
      unwraps: ['rsa-oaep', 'rsa-pkcs1', 'ecdh-x963'],
      oaepHashes: ['sha256', 'sha1'],
      signs: ['rsa-pkcs1-sha256', 'rsa-pss-sha256', 'ecdsa-sha256', 'ecdsa-sha384'],
      sessionKeyBlobs: false,
      scopes: ['user', 'machine'],
      import: true,
      legacyStore: places?.legacyFiles !== undefined,
      persisted: places !== undefined,
      protectionLevel: 'this process',
    };
  }

  async place(request: KeyRequest & KeyName): Promise<Generation> {
    refuseVbs(request);
    const { files, legacyFiles } = this.#places ?? {};
    const present = await files?.present(request);
    const legacy = await legacyFiles?.present(request);
    const exists = [present, legacy].some((key) => key && !key.isDeleted);
    if (exists && !request.overwrite) throw new KeyStoreError('CONTAINER_EXISTS');
    return present?.generation ?? 0;
  }

  async make(key: KeyToMake<Generation>): Promise<StoredKey> {
    refuseVbs(key);
    const { algorithm, imported, name, rsaLength } = key;
    const privateKey = imported ?? (await generatePrivateKey(algorithm, rsaLength));
    const publicKey = publicKeyOf(privateKey);
    if (name !== null && this.#places)
      await this.#write({ ...key, name }, { privateKey, publicKey }, this.#places);
    const { scope, legacyKeySpec, properties, perBoot, silent } = key;
    return new SoftwareKey(this.#places, {
      name,
      scope,
      legacyKeySpec,
      algorithm,
      properties,
      perBoot,
      silent,
      privateKey,
      publicKey,
      ...(name !== null && this.#places && { protector: this.#places.files.protector }),
      inLegacyStore: key.writeToLegacyStore,
      rsaThreads: this.#rsaThreads,
    });
  }

  async open(name: KeyName, options: { readonly silent: boolean }): Promise<StoredKey | undefined> {
    const { silent } = options;
    const { files, legacyFiles } = this.#places ?? {};
    const own = await files?.open(name, { silent });
    // As CNG does: its own file first, then a matching CryptoAPI container.
    const opened = own ?? (await legacyFiles?.open(name, { silent }));
    if (!opened) return undefined;
    using sealed = opened.privateKey;
    const privateKey = parsePrivateKey(opened.facts, sealed);
    const { facts, protector } = opened;
    const inLegacyStore = !own || (facts.algorithm === 'RSA' && (await isIn(legacyFiles, facts)));
    return new SoftwareKey(this.#places, {
      ...facts,
      privateKey,
      protector,
      silent,
      inLegacyStore,
      perBoot: facts.bootSecretId !== undefined,
      rsaThreads: this.#rsaThreads,
    });
  }

  /** Each key once: a container's copy of a key that has a file of its own is that key. */
  async *list(scope: KeyScope): AsyncIterable<PersistedKeyInfo | KeyStoreError> {
    const { files, legacyFiles } = this.#places ?? {};
    if (files) for await (const facts of files.list(scope)) yield infoOf(facts);
    if (!legacyFiles) return;
    for await (const facts of legacyFiles.list(scope))
      if (KeyStoreError.is(facts) || !(await isIn(files, facts))) yield infoOf(facts);
  }

  close(): Promise<void> {
    this.#places?.files.lock();
    this.#places?.legacyFiles?.lock();
    return Promise.resolve();
  }

  async #write(
    key: KeyToMake<Generation> & KeyName,
    made: MadeKey,
    { files, legacyFiles }: KeyPlaces,
  ): Promise<void> {
    const { name, scope, legacyKeySpec, algorithm, properties, silent, place = 0 } = key;
    const { publicKey } = made;
    const bootSecretId = key.perBoot ? await files.bootSecretId() : undefined;
    const facts: FactsToWrite = {
      generation: place + 1,
      name,
      scope,
      legacyKeySpec,
      algorithm,
      publicKey,
      properties,
      ...(bootSecretId && { bootSecretId }),
    };
    using pkcs8 = exportPkcs8(made.privateKey);
    if (!(await files.write(facts, pkcs8, { silent }))) throw new KeyStoreError('CONTAINER_EXISTS');
    try {
      // An older container of that name would come to light when this key is deleted.
      if (!key.writeToLegacyStore) await legacyFiles?.remove({ name, scope, legacyKeySpec });
      else if (legacyFiles) await writeLegacy(legacyFiles, facts, made.privateKey, silent);
    } catch (error) {
      // What it overwrote is gone: then a key without its copy is better than none.
      if (place === 0) await files.remove({ name, scope, legacyKeySpec, publicKey });
      throw error;
    }
  }
}

// oxlint-disable-next-line max-params -- what is written, and where
async function writeLegacy(
  legacyFiles: KeyFiles,
  facts: FactsToWrite,
  privateKey: KeyObject,
  silent: boolean,
): Promise<void> {
  using blob = exportPrivateKeyBlob(privateKey, facts.legacyKeySpec);
  const generation = ((await legacyFiles.present(facts))?.generation ?? 0) + 1;
  if (!(await legacyFiles.write({ ...facts, generation }, blob, { silent })))
    throw new KeyStoreError('CONTAINER_EXISTS');
}

async function isIn(files: KeyFiles | undefined, name: KeyName): Promise<boolean> {
  const present = await files?.present(name);
  return present !== undefined && !present.isDeleted;
}

/** Parsed once: every later use takes it as it is. */
function parsePrivateKey(facts: KeyFacts, sealed: SecretBytes): KeyObject {
  try {
    const privateKey = facts.content === 'pkcs8' ? readPkcs8(sealed) : readPrivateKeyBlob(sealed);
    if (equalBytes(publicKeyOf(privateKey), facts.publicKey)) return privateKey;
  } catch {
    // Below: what lay under the seal is not told.
  }
  throw new KeyStoreError('KEY_FILE_DAMAGED', 'the key file holds another key than it says');
}

function infoOf(facts: KeyFacts | KeyStoreError): PersistedKeyInfo | KeyStoreError {
  if (KeyStoreError.is(facts)) return facts;
  const { name, legacyKeySpec, algorithm, scope, publicKey } = facts;
  return { name, legacyKeySpec, algorithm, scope, publicKey };
}
