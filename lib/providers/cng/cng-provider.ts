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
import type { Provider, ProviderCapabilities } from '../../contracts/provider.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { RSA_LENGTHS } from '../rules/private-key.ts';
import { StorageProvider } from '../rules/storage-provider.ts';
import { CngStorage } from './cng-storage.ts';

export interface CngProviderOptions {
  /**
   * Name of the key storage provider. Default `Microsoft Software Key Storage Provider`; `Microsoft Platform Crypto Provider` is the TPM's.
   */
  readonly storageProvider?: string;
  readonly clock?: () => Date;
}

/**
 * Opens the cng provider (NCryptOpenStorageProvider).
 *
 * Keys and their properties lie where Windows keeps them, one set for each user and one for the machine, and not in a home. Under Wine,
 * whose ncrypt forgets keys, it makes ephemeral RSA keys only.
 *
 * @throws KeyStoreError PROVIDER_UNAVAILABLE (NTE_PROV_DLL_NOT_FOUND) where this is not Windows or there is no such storage provider,
 *   MODULE_MISSING where koffi is not installed.
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
  const ncrypt = await loadNCrypt();
  const kernel32 = await loadKernel32();
  const provider = ncrypt.openStorageProvider(storageProvider);
  try {
    const wine = await wineVersion();
    const keepsKeys = wine === undefined || canTellItsName(ncrypt, provider);
    const protectionLevel = wine === undefined ? levelOf(ncrypt, provider) : 'this process';
    const capabilities = keepsKeys
      ? capabilitiesOf(ncrypt, provider, protectionLevel)
      : WINE_CAPABILITIES;
    const options = { ncrypt, kernel32, provider, storageProvider, capabilities, clock };
    return new StorageProvider(new CngStorage(options));
  } catch (error) {
    ncrypt.freeObject(provider);
    throw error;
  }
}

/** Wine's own ncrypt has no properties of a provider, answers OK to a named key and forgets it (Wine 8 to 10). */
function canTellItsName(ncrypt: NCrypt, provider: Handle): boolean {
  try {
    return ncrypt.getProperty(provider, NCRYPT_NAME_PROPERTY).length > 0;
  } catch {
    return false;
  }
}

function levelOf(ncrypt: NCrypt, provider: Handle): ProviderCapabilities['protectionLevel'] {
  const type = readDword(ncrypt.getProperty(provider, NCRYPT_IMPL_TYPE_PROPERTY));
  return (type & NCRYPT_IMPL_HARDWARE_FLAG) === 0 ? 'LSASS' : 'token';
}

function readDword(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}

// oxlint-disable-next-line max-params -- what is asked of whom
function capabilitiesOf(
  ncrypt: NCrypt,
  provider: Handle,
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
    legacyStore: has('RSA'),
    persisted: true,
    protectionLevel,
  };
}

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
