/** The cng provider: private keys in a key storage provider of Windows; with Microsoft's, in the LSA process and not in this one. */
import { loadKernel32, wineVersion } from '../../../native-bindings/kernel32.ts';
import { loadNCrypt, type NCrypt } from '../../../native-bindings/ncrypt.ts';
import {
  MS_KEY_STORAGE_PROVIDER,
  NCRYPT_IMPL_HARDWARE_FLAG,
  NCRYPT_IMPL_TYPE_PROPERTY,
  NCRYPT_NAME_PROPERTY,
} from '../../../native-bindings/ncrypt-constants.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import type { Provider, ProviderCapabilities } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { requireText } from '../rules/key-properties.ts';
import { LIMITS } from '../rules/limits.ts';
import { RSA_LENGTHS } from '../rules/private-key.ts';
import { StorageProvider } from '../rules/storage-provider.ts';
import { CngKeys } from './cng-keys.ts';
import { readDword, readProperty } from './cng-properties.ts';
import { CngStorage } from './cng-storage.ts';

export interface CngProviderOptions {
  /**
   * Name of the key storage provider. Default `Microsoft Software Key Storage Provider`; `Microsoft Platform Crypto Provider` is the TPM's.
   */
  readonly storageProvider?: string;
  /** When a key was made or changed. Default: the system's clock. */
  readonly clock?: () => Date;
}

/**
 * Opens the cng provider (NCryptOpenStorageProvider).
 *
 * Keys and their properties lie where Windows keeps them, one set for each user and one for the machine, and not in a home. Keys of other
 * applications, and RSA keys in CryptoAPI's containers, are opened by their own names. Under Wine, whose ncrypt forgets keys, it makes
 * ephemeral RSA keys only.
 *
 * @returns A provider, the caller's to close.
 * @throws KeyStoreError PROVIDER_UNAVAILABLE (NTE_PROV_DLL_NOT_FOUND) where this is not Windows, or there is no such storage provider, or its
 *   device is not ready (NTE_DEVICE_NOT_READY), MODULE_MISSING where koffi is not installed, PARAMETER_INVALID for a name that none can have.
 * @example
 * ```ts
 * await using provider = await openCngProvider();
 * const pending = await provider.createPersistedKey('ECDH_P256', 'archive', 'AT_KEYEXCHANGE', { isolation: 'prefer-vbs' });
 * const key = await pending.finalize();
 * ```
 */
export async function openCngProvider({
  storageProvider = MS_KEY_STORAGE_PROVIDER,
  clock = () => new Date(),
}: CngProviderOptions = {}): Promise<Provider> {
  requireText("a storage provider's name", storageProvider, 1, LIMITS.nameInCharacters);
  const ncrypt = await loadNCrypt();
  const kernel32 = await loadKernel32();
  const isWine = (await wineVersion()) !== undefined;
  const provider = openStorageProvider(ncrypt, storageProvider);
  try {
    const keepsKeys = !isWine || canTellItsName(ncrypt, provider);
    const isHardware = keepsKeys && isImplementedInHardware(ncrypt, provider);
    const keys = new CngKeys({ ncrypt, kernel32, provider, keepsKeys, isHardware });
    const capabilities = keepsKeys
      ? capabilitiesOf(keys, levelOf({ storageProvider, isHardware, isWine }))
      : WINE_CAPABILITIES;
    return new StorageProvider(new CngStorage({ keys, storageProvider, capabilities, clock }));
  } catch (error) {
    ncrypt.freeObject(provider);
    throw error;
  }
}

function openStorageProvider(ncrypt: NCrypt, name: string): Handle {
  try {
    return ncrypt.openStorageProvider(name);
  } catch (error) {
    // Windows has several words for a name that none has.
    if (!hasStatus(error, ...NO_SUCH_PROVIDER)) throw error;
    const names = ncrypt.enumStorageProviders().map((known) => known.name);
    throw new KeyStoreError('PROVIDER_UNAVAILABLE', error.message, {
      native: error.native!,
      hint: `There are: ${names.join(', ')}.`,
    });
  }
}

/** Wine's own ncrypt has no properties of a provider, answers OK to a named key and forgets it (Wine 8 to 10). */
function canTellItsName(ncrypt: NCrypt, provider: Handle): boolean {
  return readProperty(ncrypt, provider, NCRYPT_NAME_PROPERTY) !== undefined;
}

function isImplementedInHardware(ncrypt: NCrypt, provider: Handle): boolean {
  const type = readDword(ncrypt.getProperty(provider, NCRYPT_IMPL_TYPE_PROPERTY)) ?? 0;
  return (type & NCRYPT_IMPL_HARDWARE_FLAG) !== 0;
}

/** Windows loads its own software provider into LSASS, and no other. */
function levelOf({
  storageProvider,
  isHardware,
  isWine,
}: {
  readonly storageProvider: string;
  readonly isHardware: boolean;
  readonly isWine: boolean;
}): ProviderCapabilities['protectionLevel'] {
  if (isHardware && !isWine) return 'token';
  return storageProvider === MS_KEY_STORAGE_PROVIDER && !isWine ? 'LSASS' : 'this process';
}

function capabilitiesOf(
  { ncrypt, provider, isHardware }: CngKeys,
  protectionLevel: ProviderCapabilities['protectionLevel'],
): ProviderCapabilities {
  const algorithms = ALGORITHMS.filter((name) => ncrypt.isAlgSupported(provider, name));
  const has = (prefix: string): boolean => algorithms.some((name) => name.startsWith(prefix));
  return {
    algorithms,
    rsaLengths: has('RSA') ? RSA_LENGTHS : [],
    unwraps: [
      ...(has('RSA') ? (['rsa-oaep', 'rsa-pkcs1'] as const) : []),
      ...(has('ECDH') ? (['ecdh-x963'] as const) : []),
    ],
    oaepHashes: has('RSA') ? ['sha256', 'sha1'] : [],
    signs: [
      ...(has('RSA') ? (['rsa-pkcs1-sha256', 'rsa-pss-sha256'] as const) : []),
      ...(has('ECDSA_P256') ? (['ecdsa-sha256'] as const) : []),
      ...(has('ECDSA_P384') ? (['ecdsa-sha384'] as const) : []),
    ],
    sessionKeyBlobs: false,
    scopes: ['user', 'machine'],
    import: true,
    // A CryptoAPI container is a copy in software.
    legacyStore: has('RSA') && !isHardware,
    persisted: true,
    protectionLevel,
  };
}

const NO_SUCH_PROVIDER = [
  WINDOWS_STATUS.NTE_PROV_DLL_NOT_FOUND,
  WINDOWS_STATUS.NTE_NOT_FOUND,
  WINDOWS_STATUS.NTE_INVALID_PARAMETER,
];
const ALGORITHMS: readonly KeyAlgorithm[] = [
  'RSA',
  'ECDH_P256',
  'ECDH_P384',
  'ECDSA_P256',
  'ECDSA_P384',
];

/** What works in Wine's own ncrypt: it decrypts nothing and keeps nothing. */
const WINE_CAPABILITIES: ProviderCapabilities = {
  algorithms: ['RSA'],
  rsaLengths: RSA_LENGTHS,
  unwraps: [],
  oaepHashes: [],
  signs: ['rsa-pkcs1-sha256', 'rsa-pss-sha256'],
  sessionKeyBlobs: false,
  scopes: ['user'],
  import: true,
  legacyStore: false,
  persisted: false,
  protectionLevel: 'this process',
};
