/** The software provider: private keys in this process while in use, on disk sealed. */
import type { KeyObject } from 'node:crypto';
import { join, resolve } from 'node:path';
import { equalBytes } from '../../bytes/octets.ts';
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
import type { RandomFill, SecretBytes } from '../../keys/secret-bytes.ts';
import { tmpfsBootSecret, type BootSecret } from '../key-files/boot-secret.ts';
import type { KeyFacts, KeyName } from '../key-files/key-facts.ts';
import { KeyFiles } from '../key-files/key-files.ts';
import { KeyHost, type KeyPlaces } from './key-host.ts';
import {
  algorithmOf,
  importPrivateKey,
  publicKeyOf,
  readPkcs8,
  RSA_LENGTHS,
} from '../rules/private-key.ts';
import {
  readCreateOptions,
  requireAlgorithm,
  requireName,
  requireScope,
  requireSpec,
} from '../rules/key-request.ts';
import { machineSecretProtector } from '../key-files/machine-secret-protector.ts';
import { generationToReplace, SoftwarePendingKey, type KeyRequest } from './pending-key.ts';
import type { Protector } from '../key-files/protector.ts';
import { readPrivateKeyBlob } from './rsa-key-blob.ts';
import { SoftwareKey } from './software-key.ts';

export interface SoftwareProviderOptions {
  /** Where key files lie: `<home>/keys`. Without it the provider makes ephemeral keys only. */
  readonly folder?: string;
  /** Seals new keys. Default: the machine-secret protector in the platform's state folder. */
  readonly protector?: Protector;
  /** Open keys that are sealed otherwise: while a container's protector is being changed. */
  readonly otherProtectors?: readonly Protector[];
  /** For per-boot keys. Default: on a memory file system of this machine. */
  readonly bootSecret?: BootSecret;
  /** Are CryptoAPI containers in `<folder>/legacy` written and looked for? Default true. */
  readonly legacyStore?: boolean;
  /** Only for known answers in tests; key pairs are OpenSSL's own randomness. */
  readonly random?: RandomFill;
  readonly clock?: () => Date;
}

export interface SoftwareProvider extends Provider {
  /**
   * Seals a key again, under another protector, in one step: it is sealed under the old one or under the new one.
   *
   * @throws KeyStoreError what {@link Provider.openKey} throws, and STORE_CONFLICT.
   */
  changeProtector(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    protector: Protector,
    options?: OpenKeyOptions,
  ): Promise<void>;

  /**
   * Seals new keys as this one is sealed from now on. What a configuration file says of protectors could have been edited; the seal
   * of a key that opens could not.
   *
   * @throws KeyStoreError what {@link Provider.openKey} throws.
   */
  sealLike(name: string, legacyKeySpec: LegacyKeySpec, options?: OpenKeyOptions): Promise<void>;
}

/**
 * Opens the software provider (NCryptOpenStorageProvider).
 *
 * @example
 * ```ts
 * await using provider = await openSoftwareProvider({ folder: '/srv/app/keys' });
 * const pending = await provider.createPersistedKey('ECDH_P256', 'archive', 'AT_KEYEXCHANGE');
 * const key = await pending.finalize();
 * ```
 */
export function openSoftwareProvider(
  options: SoftwareProviderOptions = {},
): Promise<SoftwareProvider> {
  return Promise.resolve(new SoftwareKeyProvider(options));
}

class SoftwareKeyProvider implements SoftwareProvider {
  readonly name = 'software';
  readonly capabilities: ProviderCapabilities;
  readonly #host: KeyHost;

  constructor(options: SoftwareProviderOptions) {
    const { folder, clock = () => new Date() } = options;
    const places = folder === undefined ? undefined : placesIn(resolve(folder), options);
    this.#host = new KeyHost(clock, places);
    this.capabilities = {
      algorithms: ['RSA', 'ECDH_P256', 'ECDH_P384', 'ECDSA_P256', 'ECDSA_P384'],
      rsaLengths: RSA_LENGTHS,
      unwraps: ['rsa-oaep', 'rsa-pkcs1', 'ecdh-x963'],
      oaepHashes: ['sha256', 'sha1'],
      scopes: ['user', 'machine'],
      import: true,
      legacyStore: places?.legacyFiles !== undefined,
      persisted: places !== undefined,
      protectionLevel: 'this process',
    };
  }

  async createPersistedKey(
    algorithm: KeyAlgorithm,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options: CreateKeyOptions = {},
  ): Promise<PendingKey> {
    this.#host.requireOpen();
    requireAlgorithm(algorithm);
    return this.#pending({ algorithm, name, legacyKeySpec }, options);
  }

  async importKey(
    privateKey: SecretBytes,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options: CreateKeyOptions = {},
  ): Promise<PendingKey> {
    this.#host.requireOpen();
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
    const keyName = this.#keyName(name, legacyKeySpec, options);
    const silent = options.silent ?? false;
    const { files, legacyFiles } = this.#host.places ?? {};
    const own = await files?.open(keyName, { silent });
    // As CNG does: its own file first, then a matching CryptoAPI container.
    const opened = own ?? (await legacyFiles?.open(keyName, { silent }));
    if (!opened) throw new KeyStoreError('CONTAINER_NOT_FOUND');
    using sealed = opened.privateKey;
    const privateKey = parsePrivateKey(opened.facts, sealed);
    const { facts, protector } = opened;
    const inLegacyStore = !own || (facts.algorithm === 'RSA' && (await isIn(legacyFiles, facts)));
    this.#host.requireOpen();
    return new SoftwareKey(this.#host, {
      ...facts,
      privateKey,
      protector,
      silent,
      inLegacyStore,
      perBoot: facts.bootSecretId !== undefined,
      isOriginal: false,
    });
  }

  async *listKeys(options: { readonly scope?: KeyScope } = {}): AsyncIterable<PersistedKeyInfo> {
    this.#host.requireOpen();
    if (options.scope !== undefined) requireScope(options.scope);
    const scopes = options.scope === undefined ? this.capabilities.scopes : [options.scope];
    let damaged: KeyStoreError | undefined;
    for (const scope of scopes) {
      for await (const facts of this.#listScope(scope)) {
        this.#host.requireOpen();
        if (KeyStoreError.is(facts)) damaged = facts;
        else yield infoOf(facts);
      }
    }
    // Only now, so that one bad file does not hide the others.
    if (damaged) throw damaged;
  }

  async changeProtector(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    protector: Protector,
    options: OpenKeyOptions = {},
  ): Promise<void> {
    const keyName = this.#keyName(name, legacyKeySpec, options);
    const silent = options.silent ?? false;
    let isThere = false;
    const { files: own, legacyFiles } = this.#host.places ?? {};
    for (const files of [legacyFiles, own]) {
      files?.alsoOpen(protector);
      const facts = await files?.update(keyName, (same) => same, { protector, silent });
      isThere ||= facts !== undefined;
    }
    if (!isThere) throw new KeyStoreError('CONTAINER_NOT_FOUND');
  }

  async sealLike(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    options: OpenKeyOptions = {},
  ): Promise<void> {
    const { files, legacyFiles } = this.#host.places ?? {};
    const keyName = this.#keyName(name, legacyKeySpec, options);
    const opened = await files?.open(keyName, { silent: options.silent ?? false });
    if (!opened) throw new KeyStoreError('CONTAINER_NOT_FOUND');
    opened.privateKey.dispose();
    files?.sealWith(opened.protector);
    legacyFiles?.sealWith(opened.protector);
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #pending(
    key: Pick<KeyRequest, 'algorithm' | 'name' | 'legacyKeySpec' | 'imported'>,
    options: CreateKeyOptions,
  ): Promise<PendingKey> {
    const { overwrite, ...flags } = readCreateOptions(key, options);
    const { name, legacyKeySpec } = key;
    const { places } = this.#host;
    if (name === null) return new SoftwarePendingKey(this.#host, { ...key, ...flags, replaces: 0 });
    if (!places)
      throw new KeyStoreError('NOT_SUPPORTED', 'this provider makes ephemeral keys only');
    const keyName = { name, legacyKeySpec, scope: flags.scope };
    const replaces = await generationToReplace(places, keyName, overwrite);
    this.#host.requireOpen();
    return new SoftwarePendingKey(this.#host, { ...key, ...flags, replaces });
  }

  #keyName(name: string, legacyKeySpec: LegacyKeySpec, { scope }: OpenKeyOptions): KeyName {
    this.#host.requireOpen();
    requireName(name);
    requireSpec(legacyKeySpec);
    if (scope !== undefined) requireScope(scope);
    return { name, legacyKeySpec, scope: scope ?? 'user' };
  }

  /** Each key once: a container's copy of a key that has a file of its own is that key. */
  // oxlint-disable-next-line jsdoc/require-yields -- the type says it
  async *#listScope(scope: KeyScope): AsyncIterable<KeyFacts | KeyStoreError> {
    const { files, legacyFiles } = this.#host.places ?? {};
    if (files) yield* files.list(scope);
    if (!legacyFiles) return;
    for await (const facts of legacyFiles.list(scope))
      if (KeyStoreError.is(facts) || !(await isIn(files, facts))) yield facts;
  }
}

function placesIn(folder: string, options: SoftwareProviderOptions): KeyPlaces {
  const { protector = machineSecretProtector(), otherProtectors = [], random } = options;
  const { bootSecret = tmpfsBootSecret(), legacyStore = true } = options;
  const shared = { protector, otherProtectors, bootSecret, ...(random && { random }) };
  return {
    files: new KeyFiles({ folder, content: 'pkcs8', ...shared }),
    ...(legacyStore && {
      legacyFiles: new KeyFiles({
        folder: join(folder, 'legacy'),
        content: 'PRIVATEKEYBLOB',
        ...shared,
      }),
    }),
  };
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

function infoOf({ name, legacyKeySpec, algorithm, scope, publicKey }: KeyFacts): PersistedKeyInfo {
  return { name, legacyKeySpec, algorithm, scope, publicKey };
}
