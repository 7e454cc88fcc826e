/** Opens the files that Windows keeps key containers in. */
import { BlobReader } from '../../bytes/blob-reader.ts';
import { KeyStoreError } from '../../errors.ts';
import { PCP_KEY_FILE_MAGIC } from '../../windows-files/pcp-key-file.ts';
import { decodeRoamedCngKey, ROAMED_CNG_KEY_MAGIC } from '../../windows-files/roamed-cng-key.ts';
import { openCapiContainerFile, type OpenedCapiContainer } from './capi-container.ts';
import { openCngContainerFile, type OpenedCngContainer } from './cng-container.ts';
import { blobOpener, type MasterKeySource, type OpenContainerOptions } from './open-blob.ts';

/** A container, open. Disposing of it wipes its private keys. */
export type OpenedContainer = OpenedCapiContainer | OpenedCngContainer;

/**
 * Opens a container's file: CryptoAPI's (Crypto\RSA, Crypto\DSS), CNG's (Crypto\Keys, SystemKeys), or the roamed form of the latter.
 *
 * Which of them it is, is told by its first bytes. Source: mimikatz kull_m_key.c, dpapick; see lib/windows-files for the layouts.
 *
 * @param file - The whole file.
 * @param masterKeys - Gives the master key of a GUID; asked once for each DPAPI blob of the file.
 * @returns `format` says which kind it was; the caller disposes of it.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER). KeyStoreError KEY_NOT_FOUND (NTE_NO_KEY),
 * naming the GUID, where a master key is not known; KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) for another master key or strong password,
 * or a file that was changed; NOT_SUPPORTED (NTE_NOT_SUPPORTED) for a key that is in a TPM; ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID).
 * @example
 * ```ts
 * using masterKey = await openMasterKey(masterKeyFile, { password, sid });
 * using container = await openContainerFile(file, (guid) => (guid === masterKey.guid ? masterKey.key : undefined));
 * if (container.format === 'capi') container.exchange?.privateKeyBlob; // PRIVATEKEYBLOB
 * ```
 */
export async function openContainerFile(
  file: Uint8Array,
  masterKeys: MasterKeySource,
  options: OpenContainerOptions = {},
): Promise<OpenedContainer> {
  const open = blobOpener(masterKeys);
  switch (firstWord(file)) {
    case PCP_KEY_FILE_MAGIC:
      throw new KeyStoreError('NOT_SUPPORTED', 'this key is in a TPM', {
        hint: 'It cannot be taken out: make a new key, and re-wrap for it on the machine that has the TPM.',
      });
    case ROAMED_CNG_KEY_MAGIC:
      return openCngContainerFile(decodeRoamedCngKey(file).keyFile, open, options);
    case CNG_VERSION:
      return openCngContainerFile(file, open, options);
    default:
      return openCapiContainerFile(file, open, options);
  }
}

function firstWord(file: Uint8Array): number {
  return new BlobReader(file, 'key container file').u32le('first field');
}

/** dwVersion of CNG's files; CryptoAPI's have 2. */
const CNG_VERSION = 1;
