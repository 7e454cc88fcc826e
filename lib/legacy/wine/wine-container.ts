/** Opens the key containers of Wine's CSPs, which lie in its registry. Source: Wine 8 and 10, dlls/rsaenh/rsaenh.c, dlls/dssenh. */
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { WineContainer } from '../../windows-files/wine-registry.ts';
import { openSlots, type OpenedSlots } from '../container-slots.ts';
import { openWineProtectedBlob } from './wine-protected-blob.ts';

/** One slot of an open container. */
export interface OpenedWineKey {
  /** PRIVATEKEYBLOB. */
  readonly privateKeyBlob: SecretBytes;
  /** Whether CryptExportKey would give it: CRYPT_EXPORT among the permissions. Wine keeps it in the same way in any case. */
  readonly exportable: boolean;
}

/** An open container. Disposing of it wipes its private keys. */
export interface OpenedWineContainer extends OpenedSlots<OpenedWineKey> {
  readonly format: 'wine';
  /** Which kind of CSP keeps it. */
  readonly kind: 'RSA' | 'DSS';
  readonly name: string;
}

/**
 * Opens a key container of Wine.
 *
 * @param container - As `readWineRegistry` gives it.
 * @param userName - The account that made it, also for a container of the machine: see `openWineProtectedBlob`.
 * @returns The caller disposes of it.
 * @throws BlobFormatError and KeyStoreError as `openWineProtectedBlob` does.
 * @example
 * ```ts
 * for (const entry of readWineRegistry(await readFile('/home/ada/.wine/user.reg'))) {
 *   using container = await openWineContainer(entry, 'ada');
 *   console.log(container.name, container.exchange?.exportable);
 * }
 * ```
 */
export async function openWineContainer(
  container: WineContainer,
  userName: string | Uint8Array,
): Promise<OpenedWineContainer> {
  const { kind, name } = container;
  const slots = await openSlots((slot) =>
    slot === 'exchange'
      ? openSlot(userName, container.keyExchangeKeyPair, container.keyExchangePermissions)
      : openSlot(userName, container.signatureKeyPair, container.signaturePermissions),
  );
  return { format: 'wine', kind, name, ...slots };
}

async function openSlot(
  userName: string | Uint8Array,
  keyPair: Uint8Array | undefined,
  permissions = 0,
): Promise<OpenedWineKey | undefined> {
  if (keyPair === undefined) return undefined;
  return {
    privateKeyBlob: await openWineProtectedBlob(keyPair, userName),
    exportable: (permissions & CRYPT_EXPORT) !== 0,
  };
}

/** wincrypt.h, KP_PERMISSIONS */
const CRYPT_EXPORT = 0x4;
