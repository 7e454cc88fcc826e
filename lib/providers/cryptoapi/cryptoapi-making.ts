/** Filling a slot: CryptGenKey or CryptImportKey, with the flags that the key's properties ask for. */
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import {
  CRYPT_EXPORTABLE,
  CRYPT_FORCE_KEY_PROTECTION_HIGH,
  CRYPT_USER_PROTECTED,
  PRIVATEKEYBLOB,
} from '../../../native-bindings/wincrypt.ts';
import { ALG_ID } from '../../blobs/alg-id.ts';
import type { UiPolicy } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { rsaPrivateKeyToBlob } from '../../keys/rsa-key-blob.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { KeyToMake } from '../rules/key-storage.ts';
import { exportPkcs8 } from '../rules/private-key.ts';
import { slotOf } from './container-slots.ts';
import type { Csp } from './csp.ts';

type KeyToFill = Omit<KeyToMake<unknown>, 'place'>;

/**
 * Makes a key pair in a slot of the context's container, in place of what is there.
 *
 * Archiving is an export that only the handle which made the key may do. CRYPT_ARCHIVABLE promises that, and not every CSP keeps the
 * promise (Wine's does not): so a key of which nothing else may be exported is made outside, and its copy goes with that handle.
 *
 * @returns The PRIVATEKEYBLOB of a key that may be archived and not exported; the caller owns it.
 */
export async function fillSlot(
  csp: Csp,
  context: Handle,
  key: KeyToFill,
): Promise<SecretBytes | undefined> {
  const { plaintextExport, plaintextArchive } = key.properties.exportPolicy;
  const isArchivable = plaintextArchive && !plaintextExport;
  if (!key.imported && !isArchivable) {
    await generate(csp, context, key, protectionFlags(key.properties));
    return undefined;
  }
  const blob = key.imported ? importedBlob(key) : await generateOutside(csp, key);
  try {
    const { api } = csp;
    const flags = protectionFlags(key.properties);
    api.cryptDestroyKey(await api.cryptImportKey(context, blob.bytes, 0n, flags));
  } catch (error) {
    blob.dispose();
    throw error;
  }
  if (isArchivable) return blob;
  blob.dispose();
  return undefined;
}

/** @throws KeyStoreError PASSWORD_REQUIRED (NTE_SILENT_CONTEXT), as CryptGenKey is documented to answer CRYPT_USER_PROTECTED. */
export function refuseSilentProtection({ silent, properties }: KeyToFill): void {
  if (silent && properties.uiPolicy.level !== 'none')
    throw new KeyStoreError(
      'PASSWORD_REQUIRED',
      'a key that asks before each use cannot be made silently',
    );
}

// oxlint-disable-next-line max-params -- a key, where it goes, and how
async function generate(
  { api }: Csp,
  context: Handle,
  { legacyKeySpec, rsaLength }: KeyToFill,
  flags: number,
): Promise<void> {
  const all = ((rsaLength << 16) | flags) >>> 0;
  api.cryptDestroyKey(await api.cryptGenKey(context, slotOf(legacyKeySpec), all));
}

/** Makes a key pair that is in no container. */
async function generateOutside(csp: Csp, key: KeyToFill): Promise<SecretBytes> {
  const { api } = csp;
  const context = csp.openEphemeral(key);
  try {
    await generate(csp, context, key, CRYPT_EXPORTABLE);
    const pair = api.cryptGetUserKey(context, slotOf(key.legacyKeySpec));
    try {
      return SecretBytes.take(api.cryptExportKey(pair, 0n, PRIVATEKEYBLOB, 0));
    } finally {
      api.cryptDestroyKey(pair);
    }
  } finally {
    csp.release(context);
  }
}

/** @throws KeyStoreError NOT_SUPPORTED for a key that a PRIVATEKEYBLOB cannot hold. */
function importedBlob({ imported, legacyKeySpec }: KeyToFill): SecretBytes {
  using pkcs8 = exportPkcs8(imported!);
  // The algorithm says which slot the pair goes into.
  const algId = legacyKeySpec === 'AT_SIGNATURE' ? ALG_ID.CALG_RSA_SIGN : ALG_ID.CALG_RSA_KEYX;
  return rsaPrivateKeyToBlob(pkcs8.bytes, algId);
}

/** CRYPT_EXPORTABLE lets the key out in the clear too: it is set only where the policy allows that. */
function protectionFlags({ exportPolicy, uiPolicy }: StoredProperties): number {
  return (exportPolicy.plaintextExport ? CRYPT_EXPORTABLE : 0) | UI_FLAGS[uiPolicy.level];
}

const UI_FLAGS: Record<UiPolicy['level'], number> = {
  none: 0,
  protect: CRYPT_USER_PROTECTED,
  'force-high': CRYPT_USER_PROTECTED | CRYPT_FORCE_KEY_PROTECTION_HIGH,
};
