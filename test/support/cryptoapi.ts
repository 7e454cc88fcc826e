/** CryptoAPI providers in temporary folders, and the containers that tests leave behind. */
import { join } from 'node:path';
import { loadAdvapi32 } from '../../native-bindings/advapi32.ts';
import {
  CRYPT_DELETEKEYSET,
  CRYPT_MACHINE_KEYSET,
  CRYPT_VERIFYCONTEXT,
  MS_ENH_RSA_AES_PROV,
  PROV_RSA_AES,
} from '../../native-bindings/wincrypt.ts';
import type { Provider } from '../../lib/contracts/provider.ts';
import {
  openCryptoApiProvider,
  type CryptoApiProviderOptions,
} from '../../lib/providers/cryptoapi/index.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface CryptoApiHome {
  /** Where its key files lie. */
  readonly folder: string;
  /** Each call is what another process would open. */
  open(this: void, options?: CryptoApiProviderOptions): Promise<Provider>;
  /** Removes the files, and every container whose name begins with `keycask`. */
  remove(this: void): Promise<void>;
}

export async function cryptoApiHome(): Promise<CryptoApiHome> {
  const temporary = await temporaryFolder();
  const folder = join(temporary.path, 'keys');
  return {
    folder,
    open: (options = {}) => openCryptoApiProvider({ folder, ...options }),
    remove: async () => {
      await temporary.remove();
      await deleteTestContainers();
    },
  };
}

async function deleteTestContainers(): Promise<void> {
  const api = await loadAdvapi32();
  const acquire = (container: string | null, flags: number) =>
    api.cryptAcquireContext(container, MS_ENH_RSA_AES_PROV, PROV_RSA_AES, flags >>> 0);
  for (const scope of [0, CRYPT_MACHINE_KEYSET]) {
    const context = acquire(null, CRYPT_VERIFYCONTEXT | scope);
    const containers = api.enumContainers(context);
    api.cryptReleaseContext(context);
    for (const container of containers)
      if (/^keycask/i.test(container)) acquire(container, CRYPT_DELETEKEYSET | scope);
  }
}
