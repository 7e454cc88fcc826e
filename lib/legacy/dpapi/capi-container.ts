/** Opens container files of CryptoAPI: private keys as PRIVATEKEYBLOBs, and whether they are exportable. */
import { BlobReader } from '../../bytes/blob-reader.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import {
  decodeCapiContainerFile,
  type CapiContainerFile,
  type CapiContainerSlot,
} from '../../windows-files/capi-container-file.ts';
import { openSlots, type OpenedSlots, type SlotName } from '../container-slots.ts';
import { privateKeyBlobOf } from './capi-private-key.ts';
import type { OpenBlob, OpenContainerOptions } from './open-blob.ts';

/** A container of CryptoAPI, open. Disposing of it wipes its private keys. */
export interface OpenedCapiContainer extends OpenedSlots<OpenedCapiKey> {
  readonly format: 'capi';
  /** A character for each byte: the code page is not in the file. */
  readonly name: string;
}

/** One key of a container. */
export interface OpenedCapiKey {
  /** PRIVATEKEYBLOB that is not encrypted: RSA2, or DSS4 of version 3. */
  readonly privateKeyBlob: SecretBytes;
  /** CRYPT_EXPORTABLE; absent where the file does not say. */
  readonly exportable?: boolean;
}

export async function openCapiContainerFile(
  bytes: Uint8Array,
  open: OpenBlob,
  options: OpenContainerOptions,
): Promise<OpenedCapiContainer> {
  const file = decodeCapiContainerFile(bytes);
  const slots = await openSlots((slot) => openSlot(file, slot, { open, ...options }));
  return { format: 'capi', name: file.name, ...slots };
}

async function openSlot(
  file: CapiContainerFile,
  which: SlotName,
  { open, strongPassword }: OpenContainerOptions & { readonly open: OpenBlob },
): Promise<OpenedCapiKey | undefined> {
  const slot = file[which];
  if (slot === undefined || slot.privateKey.length === 0) return undefined;
  const exportable = await isExportable(slot, open);
  using plaintext = await open(slot.privateKey, { strongPassword });
  const { publicKey } = slot;
  const privateKeyBlob = privateKeyBlobOf(plaintext.bytes, {
    publicKey,
    isExchange: which === 'exchange',
  });
  return { privateKeyBlob, ...(exportable !== undefined && { exportable }) };
}

async function isExportable(
  { exportFlag }: CapiContainerSlot,
  open: OpenBlob,
): Promise<boolean | undefined> {
  if (exportFlag.length === 0) return undefined;
  using plaintext = await open(exportFlag, { entropy: EXPORT_FLAG_ENTROPY });
  return (new BlobReader(plaintext.bytes, 'Export Flag').u32le('flag') & CRYPT_EXPORTABLE) !== 0;
}

/** ASCII and a null; the same on every machine. Source: mimikatz KIWI_DPAPI_ENTROPY_CAPI_KEY_EXPORTFLAGS; verified with Windows 10. */
export const EXPORT_FLAG_ENTROPY: Uint8Array = new TextEncoder().encode('Hj1diQ6kpUx7VC4m\0');
const CRYPT_EXPORTABLE = 0x1;
