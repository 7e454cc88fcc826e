/** KeysAtHand: every private key and session key that old folders hold and known secrets open. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { BLOB_TYPE } from '../blobs/key-blob-header.ts';
import { decodeKeyBlob } from '../blobs/key-blob.ts';
import { decodePlaintextKeyBlob } from '../blobs/plaintext-key-blob.ts';
import { KeyStoreError } from '../errors.ts';
import { decodeKeyPair } from '../key-pairs/decode.ts';
import { encodeKeyPair } from '../key-pairs/encode.ts';
import { isPrivateKeyPair } from '../key-pairs/key-pair.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { importCapiKey, type CapiKey } from '../legacy/capi-key.ts';
import type { OpenedContainer } from '../legacy/dpapi/container-file.ts';
import { WindowsProfile, type ProfileSecret } from '../legacy/dpapi/windows-profile.ts';
import { openEncryptedPrivateKeyBlob } from '../legacy/encrypted-private-key-blob.ts';
import { importLegacyPrivateKey } from '../legacy/legacy-key.ts';
import { openPvk } from '../legacy/pvk.ts';
import { readStart } from '../platform/read-start.ts';
import { MAX_KEY_FILE, type InventoryItem } from './inventory-item.ts';
import type { Inventory } from './inventory.ts';
import { keyAtHand, type KeyAtHand, type KeyOrigin } from './key-at-hand.ts';
import { PasswordForms, profileSecrets, type LegacySecrets } from './legacy-secrets.ts';
import { refuseCostly } from './password-cost.ts';
import { domainKeysAmong } from './domain-key-file.ts';
import { openWithPasswords } from './password-tries.ts';
import { openWineKeys } from './wine-keys.ts';

/** A file with private keys that stayed closed, and why. */
export interface ClosedKeyFile {
  readonly path: string;
  readonly error: KeyStoreError;
}

export class KeysAtHand implements Disposable {
  /** RSA, each named once for each file that holds it. */
  readonly privateKeys: readonly KeyAtHand[];
  /** Of PLAINTEXTKEYBLOBs: they may have wrapped other blobs. */
  readonly sessionKeys: readonly CapiKey[];
  readonly closed: readonly ClosedKeyFile[];

  private constructor(found: Found) {
    this.privateKeys = found.privateKeys;
    this.sessionKeys = found.sessionKeys;
    this.closed = found.closed;
  }

  /**
   * Opens what can be opened of an inventory.
   *
   * @returns The caller disposes of it, which wipes the session keys; private keys are OpenSSL's, which wipes them when they are collected.
   */
  static async find(inventory: Inventory, secrets: LegacySecrets = {}): Promise<KeysAtHand> {
    const found: Found = { privateKeys: [], sessionKeys: [], closed: [] };
    using forms = new PasswordForms(secrets.passwords);
    const { items } = inventory;
    findSessionKeys(items, found);
    for (const item of items.filter(({ role }) => role === 'private-key'))
      await collect(item, found, () => openKeyFile(item, { found, forms }));
    await openContainers(inventory, { secrets, forms, found });
    return new KeysAtHand(found);
  }

  [Symbol.dispose](): void {
    for (const key of this.sessionKeys) key[Symbol.dispose]();
  }
}

/** What is found while it is looked for. */
interface Found {
  readonly privateKeys: KeyAtHand[];
  readonly sessionKeys: CapiKey[];
  readonly closed: ClosedKeyFile[];
}

function findSessionKeys(items: readonly InventoryItem[], found: Found): void {
  for (const item of items) {
    if (item.format !== 'plaintextkeyblob' || found.sessionKeys.length >= MAX_WRAPPING_KEYS)
      continue;
    const key = sessionKeyOf(item);
    if (key) found.sessionKeys.push(key);
  }
}

function sessionKeyOf(item: InventoryItem): CapiKey | undefined {
  try {
    using file = SecretBytes.take(readStart(item.path, MAX_KEY_FILE));
    const { algId, key } = decodePlaintextKeyBlob(file.bytes, { trailing: 'allow' });
    return importCapiKey(algId, key);
  } catch (error) {
    // What is gone by now, or is no key of its algorithm, wraps nothing; as a session key to migrate it is reported elsewhere.
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

async function collect(
  { path }: Pick<InventoryItem, 'path'>,
  found: Found,
  open: () => Promise<readonly KeyAtHand[]>,
): Promise<void> {
  try {
    found.privateKeys.push(...(await open()));
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    found.closed.push({ path, error });
  }
}

interface KeyFileContext {
  readonly found: Found;
  readonly forms: PasswordForms;
}

/** A file of one private key: PRIVATEKEYBLOB, PVK, PKCS#1, PKCS#8, CNG's blobs, PEM of them. */
async function openKeyFile(
  item: InventoryItem,
  { found, forms }: KeyFileContext,
): Promise<KeyAtHand[]> {
  using file = SecretBytes.take(readStart(item.path, MAX_KEY_FILE));
  const origin: KeyOrigin = { path: item.path };
  const key = await openKey(item, file.bytes, { found, forms });
  return key?.asymmetricKeyType === 'rsa' ? [keyAtHand(key, origin)] : [];
}

// oxlint-disable-next-line max-params -- a file, its bytes, and what may open it
async function openKey(
  item: InventoryItem,
  bytes: Uint8Array,
  { found, forms }: KeyFileContext,
): Promise<KeyObject | undefined> {
  if (item.format === 'pkcs12')
    throw new KeyStoreError('NOT_SUPPORTED', 'keycask does not open PKCS#12 files', {
      hint: 'Take the key out first: `openssl pkcs12 -in FILE -nocerts -out key.pem`.',
    });
  if (item.format === 'pvk')
    return openWithPasswords(forms.ansi, async (password) => {
      using pvk = await openPvk(bytes, password);
      return keyOf(pvk.blob.bytes);
    });
  if (item.format === 'encrypted-pkcs8' || isEncryptedPem(item, bytes))
    return openWithPasswords(forms.ansi, (passphrase) =>
      Promise.resolve(decryptPkcs8(bytes, passphrase)),
    );
  if (isEncryptedBlob(bytes)) {
    using opened = await openEncryptedPrivateKeyBlob(bytes, found.sessionKeys);
    return keyOf(opened.blob.bytes);
  }
  return keyOf(bytes);
}

function isEncryptedBlob(bytes: Uint8Array): boolean {
  if (bytes[0] !== BLOB_TYPE.PRIVATEKEYBLOB) return false;
  try {
    return decodeKeyBlob(bytes, TOLERANT).type === 'encrypted-PRIVATEKEYBLOB';
  } catch {
    return false;
  }
}

function decryptPkcs8(bytes: Uint8Array, passphrase: Uint8Array | undefined): KeyObject {
  if (!passphrase) throw new KeyStoreError('PASSWORD_REQUIRED', 'the key is under a password');
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const secret = Buffer.from(passphrase.buffer, passphrase.byteOffset, passphrase.length);
  const form =
    bytes[0] === SEQUENCE
      ? ({ format: 'der', type: 'pkcs8' } as const)
      : { format: 'pem' as const };
  refuseCostly(bytes);
  try {
    return createPrivateKey({ key, passphrase: secret, ...form });
  } catch {
    throw new KeyStoreError('PASSWORD_WRONG');
  }
}

/** A private key of any other format; undefined for a public one. */
function keyOf(bytes: Uint8Array): KeyObject | undefined {
  // CryptoAPI's own reader takes more of its blobs: an exponent of one, a tail that is missing.
  if (bytes[0] === BLOB_TYPE.PRIVATEKEYBLOB) return importLegacyPrivateKey(bytes);
  const { pair } = decodeKeyPair(bytes);
  using owned = pair;
  // Others wrap no SIMPLEBLOB, and OpenSSL need not like their numbers.
  if (owned.type !== 'RSA' || !isPrivateKeyPair(owned)) return undefined;
  using pkcs8 = SecretBytes.take(encodeKeyPair(owned, 'PKCS8'));
  return importLegacyPrivateKey(pkcs8.bytes);
}

function isEncryptedPem({ format }: InventoryItem, bytes: Uint8Array): boolean {
  if (format !== 'pem') return false;
  const head = Buffer.from(bytes.subarray(0, PEM_HEAD)).toString('latin1');
  return head.includes('ENCRYPTED');
}

interface ContainerContext extends KeyFileContext {
  readonly secrets: LegacySecrets;
}

/** Containers of copied profiles, and of Wine's registry. */
async function openContainers(
  { roots, items }: Inventory,
  { secrets, forms, found }: ContainerContext,
): Promise<void> {
  const sealed = items.filter(({ role }) => role === 'sealed-key');
  if (sealed.length === 0) return;
  using domainKeys = await domainKeysAmong(items, forms);
  const known = [...(secrets.domainKeys ?? []), ...domainKeys.keys];
  const all = profileSecrets({ ...secrets, domainKeys: known }, forms);
  using profiles = await Profiles.open(
    [...new Set(roots.map((root) => rootFolder(root, items)))],
    all,
  );
  for (const item of sealed.filter(({ format }) => format !== 'wine-registry'))
    await collect(item, found, async () => {
      using container = await profiles.openContainer(item.path);
      return keysOfContainer(container, item);
    });
  for (const item of sealed.filter(({ format }) => format === 'wine-registry'))
    await collect(item, found, async () => {
      const { keys, closed } = await openWineKeys(item.path, secrets);
      found.closed.push(...closed.map((error) => ({ path: item.path, error })));
      return keys;
    });
}

/** Copied profiles below several folders: the master key of a container may lie below another one. */
class Profiles implements Disposable {
  readonly #profiles: WindowsProfile[] = [];

  static async open(
    folders: readonly string[],
    secrets: readonly ProfileSecret[],
  ): Promise<Profiles> {
    const profiles = new Profiles();
    for (const folder of folders)
      profiles.#profiles.push(
        await WindowsProfile.open(folder, secrets, { onUnreadable: () => undefined }),
      );
    return profiles;
  }

  /** @throws What the profile says that has the master key; KEY_NOT_FOUND where none has it. */
  async openContainer(path: string): Promise<OpenedContainer> {
    let missing: unknown;
    for (const profile of this.#profiles) {
      try {
        return await profile.openContainer(path);
      } catch (error) {
        if (!KeyStoreError.is(error) || error.code !== 'KEY_NOT_FOUND') throw error;
        missing = error;
      }
    }
    throw missing;
  }

  [Symbol.dispose](): void {
    for (const profile of this.#profiles) profile[Symbol.dispose]();
  }
}

/** A root that is a file stands for its folder. */
function rootFolder(root: string, items: readonly InventoryItem[]): string {
  return items.some(({ path }) => path === root) ? dirname(root) : root;
}

function keysOfContainer(container: OpenedContainer, { path }: InventoryItem): KeyAtHand[] {
  const where = { path, container: container.name, ...scopeOf(path) };
  if (container.format === 'cng') {
    const key = container.privateBlob && keyOf(container.privateBlob.bytes);
    return key?.asymmetricKeyType === 'rsa' ? [keyAtHand(key, where)] : [];
  }
  const keys: KeyAtHand[] = [];
  for (const slot of ['exchange', 'signature'] as const) {
    const blob = container[slot]?.privateKeyBlob;
    const key = blob && privateKeyOrNone(blob.bytes);
    if (key?.asymmetricKeyType === 'rsa') keys.push(keyAtHand(key, { ...where, slot }));
  }
  return keys;
}

/** DSS keys sign and wrap nothing. */
function privateKeyOrNone(blob: Uint8Array): KeyObject | undefined {
  try {
    return importLegacyPrivateKey(blob);
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

/** Whose it is, by the folder that Windows keeps it in. */
function scopeOf(path: string): Pick<KeyOrigin, 'scope' | 'sid'> {
  const parent = basename(dirname(path));
  if (/^(?:MachineKeys|SystemKeys)$/iu.test(parent)) return { scope: 'machine' };
  if (!/^S-1-/iu.test(parent)) return {};
  return { scope: /^S-1-5-(?:18|19|20)$/iu.test(parent) ? 'machine' : 'user', sid: parent };
}

/** What Windows reads: whole buffers, and blobs without d. */
const TOLERANT = { shortTail: 'allow', trailing: 'allow' } as const;
/** More than one application had. */
const MAX_WRAPPING_KEYS = 64;
const SEQUENCE = 0x30;
/** RFC 1421's headers and labels stand at the beginning. */
const PEM_HEAD = 4096;
