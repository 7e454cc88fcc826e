/** Files with the DPAPI backup key of a domain: the value of the LSA secret, or the PVK that tools make of it. */
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { importDomainKey } from '../legacy/dpapi/domain-key.ts';
import { openPvk } from '../legacy/pvk.ts';
import { readStart } from '../platform/read-start.ts';
import { MAX_KEY_FILE, type InventoryItem } from './inventory-item.ts';
import { PasswordForms } from './legacy-secrets.ts';
import { openWithPasswords } from './password-tries.ts';

/**
 * The backup key in a file, a PVK without its password.
 *
 * @param file - Read, not kept.
 * @param passwords - UTF-8; tried where it is a PVK under a password.
 * @returns What `LegacySecrets` takes as a domain key; the caller disposes of it.
 * @throws KeyStoreError BLOB_MALFORMED (NTE_BAD_DATA) for what is no such key; PASSWORD_WRONG, PASSWORD_REQUIRED.
 */
export async function openDomainKeyFile(
  file: SecretBytes,
  passwords: readonly SecretBytes[],
): Promise<SecretBytes> {
  using forms = new PasswordForms(passwords);
  const key = isPvk(file.bytes) ? await openPvkFile(file, forms) : copyOf(file);
  try {
    importDomainKey(key.bytes);
    return key;
  } catch (error) {
    key.dispose();
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError('BLOB_MALFORMED', 'it is no backup key of a domain', {
      hint: 'Want the PVK, or the value of the LSA secret, that was exported from a domain controller.',
    });
  }
}

/** PVK files and LSA secrets among the files: the backup key of a domain is handed around as one. What cannot be read is none. */
export async function domainKeysAmong(
  items: readonly InventoryItem[],
  forms: PasswordForms,
): Promise<Disposable & { readonly keys: readonly SecretBytes[] }> {
  const keys: SecretBytes[] = [];
  for (const item of items) {
    if (item.format !== 'domain-backup-key' && item.format !== 'pvk') continue;
    const key = await domainKeyOf(item, forms);
    if (key) keys.push(key);
  }
  return {
    keys,
    [Symbol.dispose]: () => {
      for (const key of keys) key.dispose();
    },
  };
}

async function domainKeyOf(
  { path, format, state }: InventoryItem,
  forms: PasswordForms,
): Promise<SecretBytes | undefined> {
  try {
    using file = SecretBytes.take(readStart(path, MAX_KEY_FILE));
    if (format === 'domain-backup-key') return state === 'read' ? copyOf(file) : undefined;
    const key = await openPvkFile(file, forms);
    importDomainKey(key.bytes);
    return key;
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

function openPvkFile(file: SecretBytes, forms: PasswordForms): Promise<SecretBytes> {
  return openWithPasswords(forms.ansi, async (password) => {
    using pvk = await openPvk(file.bytes, password);
    return copyOf(pvk.blob);
  });
}

function copyOf({ bytes }: SecretBytes): SecretBytes {
  return SecretBytes.copy(bytes);
}

function isPvk(bytes: Uint8Array): boolean {
  return PVK_MAGIC.every((byte, i) => bytes[i] === byte);
}

/** 0xb0b5f11e, little-endian. */
const PVK_MAGIC = [0x1e, 0xf1, 0xb5, 0xb0];
