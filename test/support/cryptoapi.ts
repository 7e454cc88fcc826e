/** CryptoAPI as tests use it: providers in temporary folders, and containers of another application, made by the bare calls. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { loadAdvapi32 } from '../../native-bindings/advapi32.ts';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import {
  AT_KEYEXCHANGE,
  CRYPT_DELETEKEYSET,
  CRYPT_EXPORTABLE,
  CRYPT_MACHINE_KEYSET,
  CRYPT_NEWKEYSET,
  CRYPT_VERIFYCONTEXT,
  MS_ENH_RSA_AES_PROV,
  MS_ENHANCED_PROV,
  PROV_RSA_AES,
  PROV_RSA_FULL,
  PUBLICKEYBLOB,
} from '../../native-bindings/wincrypt.ts';
import type { LegacyKeySpec, PersistedKey, Provider } from '../../lib/contracts/provider.ts';
import { rsaPublicKeyFromBlob } from '../../lib/keys/rsa-key-blob.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import {
  openCryptoApiProvider,
  type CryptoApiProviderOptions,
} from '../../lib/providers/cryptoapi/index.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const api = await loadAdvapi32();

export interface CryptoApiHome {
  /** Where its key files lie. */
  readonly folder: string;
  /** Each call is what another process would open. */
  open(this: void, options?: CryptoApiProviderOptions): Promise<Provider>;
  /** Removes the files, and the containers made since whose names begin with `keycask`: what was there before is somebody's. */
  remove(this: void): Promise<void>;
}

/** Flags of the user's containers and of the machine's. */
const SCOPES = [0, CRYPT_MACHINE_KEYSET];

export async function cryptoApiHome(): Promise<CryptoApiHome> {
  const temporary = await temporaryFolder();
  const folder = join(temporary.path, 'keys');
  const before = SCOPES.map((scope) => new Set(containers(scope)));
  return {
    folder,
    open: (options = {}) => openCryptoApiProvider({ folder, ...options }),
    remove: async () => {
      await temporary.remove();
      for (const [index, scope] of SCOPES.entries())
        for (const container of containers(scope))
          if (/^keycask/i.test(container) && !before[index]!.has(container))
            acquire(container, CRYPT_DELETEKEYSET | scope);
    },
  };
}

/** CryptAcquireContext with the CSP that keycask uses. */
export function acquire(container: string | null, flags: number): Handle {
  return api.cryptAcquireContext(container, MS_ENH_RSA_AES_PROV, PROV_RSA_AES, flags >>> 0);
}

/** What PP_ENUMCONTAINERS lists. */
export function containers(scope = 0): string[] {
  const context = acquire(null, CRYPT_VERIFYCONTEXT | scope);
  try {
    return api.enumContainers(context);
  } finally {
    api.cryptReleaseContext(context);
  }
}

/** What another application would see in a slot: SPKI. */
export function spkiIn(container: string, slot: number): Uint8Array {
  const context = acquire(container, 0);
  try {
    return spkiOf(context, slot);
  } finally {
    api.cryptReleaseContext(context);
  }
}

export function spkiOf(context: Handle, slot: number): Uint8Array {
  const key = api.cryptGetUserKey(context, slot);
  const blob = api.cryptExportKey(key, 0n, PUBLICKEYBLOB, 0);
  api.cryptDestroyKey(key);
  return rsaPublicKeyFromBlob(blob);
}

/**
 * Makes key pairs as an old application does: PROV_RSA_FULL, 1024 bits.
 *
 * @param slots - One pair in each.
 */
export async function makeOldContainer(
  container: string,
  slots: readonly number[] = [AT_KEYEXCHANGE],
  flags = CRYPT_EXPORTABLE,
): Promise<void> {
  const context = api.cryptAcquireContext(
    container,
    MS_ENHANCED_PROV,
    PROV_RSA_FULL,
    containers().includes(container) ? 0 : CRYPT_NEWKEYSET,
  );
  for (const slot of slots)
    api.cryptDestroyKey(await api.cryptGenKey(context, slot, (1024 << 16) | flags));
  api.cryptReleaseContext(context);
}

/** An RSA key that node:crypto made. */
export function rsaKey(modulusLength = 1024): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

/** Brings an RSA key in: of 1024 bits, which costs little. */
export async function keyIn(
  provider: Provider,
  name: string | null,
  spec: LegacyKeySpec = 'AT_KEYEXCHANGE',
  options: Parameters<Provider['importKey']>[3] & { readonly key?: KeyObject } = {},
): Promise<PersistedKey> {
  const { key = rsaKey(), ...rest } = options;
  using pkcs8 = SecretBytes.take(key.export({ type: 'pkcs8', format: 'der' }));
  return (await provider.importKey(pkcs8, name, spec, rest)).finalize();
}
