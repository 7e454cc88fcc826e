/** The cryptoapi provider: private keys in the key containers of CryptoAPI, which its CSP loads into this process. */
import { join, resolve } from 'node:path';
import process from 'node:process';
import { loadAdvapi32, type Advapi32 } from '../../../native-bindings/advapi32.ts';
import { loadKernel32, wineVersion } from '../../../native-bindings/kernel32.ts';
import {
  MS_ENH_RSA_AES_PROV,
  MS_ENHANCED_PROV,
  PROV_RSA_AES,
  PROV_RSA_FULL,
} from '../../../native-bindings/wincrypt.ts';
import { ALG_ID } from '../../blobs/alg-id.ts';
import type { KeyScope, Provider, ProviderCapabilities } from '../../contracts/provider.ts';
import { tmpfsBootSecret } from '../key-files/tmpfs-boot-secret.ts';
import { dpapiProtector } from '../key-files/dpapi-protector.ts';
import { KeyFiles } from '../key-files/key-files.ts';
import type { Protector } from '../key-files/protector.ts';
import { requireText } from '../rules/key-properties.ts';
import { LIMITS } from '../rules/limits.ts';
import { RSA_LENGTHS } from '../rules/private-key.ts';
import { StorageProvider } from '../rules/storage-provider.ts';
import { CryptoApiKeys, type FilesByScope } from './cryptoapi-keys.ts';
import { CryptoApiStorage } from './cryptoapi-storage.ts';
import { Csp, type CspFacts } from './csp.ts';

export interface CryptoApiProviderOptions {
  /** Where key files lie, which hold what CryptoAPI does not keep of a key. Default: `%APPDATA%\keycask\cryptoapi`; of machine keys below `%ProgramData%`. */
  readonly folder?: string;
  /**
   * Default: that of the named CSP, else `PROV_RSA_AES`. Microsoft's of `PROV_RSA_FULL` knows neither AES nor SHA-2; its containers open with
   * the default too.
   */
  readonly providerType?: 'PROV_RSA_AES' | 'PROV_RSA_FULL';
  /** Name of a CSP, such as one that keeps keys on a token. Default: Microsoft's enhanced one, by its name: what Windows takes for its default has changed. */
  readonly providerName?: string;
  /** Seals key files. Default: DPAPI, of the user or of the machine. */
  readonly protector?: Protector;
  readonly clock?: () => Date;
}

/**
 * Opens the cryptoapi provider (CryptAcquireContext).
 *
 * Keys lie where Windows keeps them, one set for each user and one for the machine, and not in a home. Containers of other applications
 * are opened and listed by their own names.
 *
 * @throws KeyStoreError PROVIDER_UNAVAILABLE (NTE_PROV_DLL_NOT_FOUND) where this is not Windows, or there is no such CSP (NTE_KEYSET_NOT_DEF),
 *   MODULE_MISSING where koffi is not installed, PARAMETER_INVALID for a name that no CSP can have.
 * @example
 * ```ts
 * await using provider = await openCryptoApiProvider();
 * const pending = await provider.createPersistedKey('RSA', 'archive', 'AT_KEYEXCHANGE');
 * const key = await pending.finalize();
 * const { simpleBlob, sessionKey } = await key.createSessionKeyBlob(256);
 * ```
 */
export async function openCryptoApiProvider(
  options: CryptoApiProviderOptions = {},
): Promise<Provider> {
  const { providerName: name, clock = () => new Date() } = options;
  // CryptAcquireContext would read it up to a zero.
  if (name !== undefined) requireText("a CSP's name", name, 1, LIMITS.nameInCharacters);
  const api = await loadAdvapi32();
  const { providerType = typeOf(api, name) } = options;
  const csp = new Csp(api, {
    type: TYPES[providerType],
    name: name ?? DEFAULT_CSP[providerType],
    isWine: (await wineVersion()) !== undefined,
  });
  const facts = csp.facts();
  const keys = new CryptoApiKeys(csp, await loadKernel32(), filesIn(options));
  const { isHardware } = facts;
  const capabilities = capabilitiesOf(facts);
  return new StorageProvider(new CryptoApiStorage({ keys, capabilities, isHardware, clock }));
}

function typeOf(api: Advapi32, name: string | undefined): keyof typeof TYPES {
  const type = name && api.enumProviders().find((csp) => csp.name === name)?.type;
  return type === PROV_RSA_FULL ? 'PROV_RSA_FULL' : 'PROV_RSA_AES';
}

function filesIn({ folder, protector }: CryptoApiProviderOptions): FilesByScope {
  const filesOf = (scope: KeyScope): KeyFiles =>
    new KeyFiles({
      folder: folder === undefined ? defaultFolder(scope) : resolve(folder),
      content: 'reference',
      protector: protector ?? dpapiProtector({ scope }),
      otherProtectors: [],
      bootSecret: tmpfsBootSecret(),
    });
  return { user: filesOf('user'), machine: filesOf('machine') };
}

function defaultFolder(scope: KeyScope): string {
  const { APPDATA = '', ProgramData = '' } = process.env;
  return join(scope === 'user' ? APPDATA : ProgramData, 'keycask', 'cryptoapi');
}

/** What the CSP can do, as it says itself. */
function capabilitiesOf({ algIds, rsaBits, isHardware }: CspFacts): ProviderCapabilities {
  return {
    algorithms: ['RSA'],
    rsaLengths: RSA_LENGTHS.filter((bits) => bits >= rsaBits.min && bits <= rsaBits.max),
    unwraps: ['rsa-oaep', 'rsa-pkcs1'],
    // CRYPT_OAEP: SHA-1 and no other.
    oaepHashes: ['sha1'],
    signs: algIds.has(ALG_ID.CALG_SHA_256) ? ['rsa-pkcs1-sha256'] : [],
    sessionKeyBlobs: AES.every((algId) => algIds.has(algId)),
    scopes: ['user', 'machine'],
    import: true,
    legacyStore: true,
    persisted: true,
    protectionLevel: isHardware ? 'token' : 'this process',
  };
}

const TYPES = { PROV_RSA_AES, PROV_RSA_FULL } as const;
const DEFAULT_CSP = { PROV_RSA_AES: MS_ENH_RSA_AES_PROV, PROV_RSA_FULL: MS_ENHANCED_PROV } as const;
const AES = [ALG_ID.CALG_AES_128, ALG_ID.CALG_AES_192, ALG_ID.CALG_AES_256];
