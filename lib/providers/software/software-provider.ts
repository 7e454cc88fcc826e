/** The software provider: private keys in this process while in use, on disk sealed. */
import { join, resolve } from 'node:path';
import type { LegacyKeySpec, OpenKeyOptions, Provider } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { RsaThreads } from '../../keys/rsa-threads.ts';
import type { RandomFill } from '../../keys/secret-bytes.ts';
import type { BootSecret } from '../key-files/boot-secret.ts';
import { KeyFiles } from '../key-files/key-files.ts';
import { machineSecretProtector } from '../key-files/machine-secret-protector.ts';
import type { Protector } from '../key-files/protector.ts';
import { systemBootSecret } from '../key-files/system-boot-secret.ts';
import { StorageProvider } from '../rules/storage-provider.ts';
import type { KeyPlaces } from './software-key.ts';
import { SoftwareStorage } from './software-storage.ts';

export interface SoftwareProviderOptions {
  /** Where key files lie: `<home>/keys`. Without it the provider makes ephemeral keys only. */
  readonly folder?: string;
  /** Seals new keys. Default: the machine-secret protector in the platform's state folder. */
  readonly protector?: Protector;
  /** Open keys that are sealed otherwise: while a container's protector is being changed. */
  readonly otherProtectors?: readonly Protector[];
  /** For per-boot keys. Default: in the kernel's keyring, else on a memory file system of this machine. */
  readonly bootSecret?: BootSecret;
  /** Are CryptoAPI containers in `<folder>/legacy` written and looked for? Default true. */
  readonly legacyStore?: boolean;
  /** Do RSA's private operations; the caller still owns them. Without them each holds the calling thread. */
  readonly rsaThreads?: RsaThreads;
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
  const { folder, clock = () => new Date() } = options;
  const places = folder === undefined ? undefined : placesIn(resolve(folder), options);
  return Promise.resolve(
    new SoftwareKeyProvider(new SoftwareStorage(clock, places, options.rsaThreads), places),
  );
}

class SoftwareKeyProvider extends StorageProvider implements SoftwareProvider {
  readonly #places: KeyPlaces | undefined;

  constructor(storage: SoftwareStorage, places?: KeyPlaces) {
    super(storage);
    this.#places = places;
  }

  async changeProtector(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    protector: Protector,
    options: OpenKeyOptions = {},
  ): Promise<void> {
    const keyName = this.requireKeyName(name, legacyKeySpec, options);
    const silent = options.silent ?? false;
    let isThere = false;
    const { files: own, legacyFiles } = this.#places ?? {};
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
    const { files, legacyFiles } = this.#places ?? {};
    const keyName = this.requireKeyName(name, legacyKeySpec, options);
    const opened = await files?.open(keyName, { silent: options.silent ?? false });
    if (!opened) throw new KeyStoreError('CONTAINER_NOT_FOUND');
    opened.privateKey.dispose();
    files?.sealWith(opened.protector);
    legacyFiles?.sealWith(opened.protector);
  }
}

function placesIn(folder: string, options: SoftwareProviderOptions): KeyPlaces {
  const { protector = machineSecretProtector(), otherProtectors = [], random } = options;
  const { bootSecret = systemBootSecret(), legacyStore = true } = options;
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
