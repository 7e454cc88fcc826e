/** Profiles: the master keys of all folders that were looked through. */
import { dirname } from 'node:path';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { WindowsProfile } from '../../legacy/dpapi/windows-profile.ts';
import { domainKeysAmong } from '../domain-key-file.ts';
import type { Inventory } from '../inventory.ts';
import { PasswordForms, profileSecrets, type LegacySecrets } from '../legacy-secrets.ts';

export class Profiles implements Disposable {
  readonly #profiles: WindowsProfile[] = [];
  /** What the profiles open master keys with. */
  readonly #secrets: readonly Disposable[];

  private constructor(secrets: readonly Disposable[]) {
    this.#secrets = secrets;
  }

  /** @param secrets - The caller still owns them. */
  static async open(inventory: Inventory | undefined, secrets: LegacySecrets): Promise<Profiles> {
    const forms = new PasswordForms(secrets.passwords);
    const among = await domainKeysAmong(inventory?.items ?? [], forms);
    const domainKeys = [...(secrets.domainKeys ?? []), ...among.keys];
    const opened = new Profiles([forms, among]);
    try {
      const all = profileSecrets({ ...secrets, domainKeys }, forms);
      for (const folder of foldersOf(inventory))
        opened.#profiles.push(
          await WindowsProfile.open(folder, all, { onUnreadable: () => undefined }),
        );
      return opened;
    } catch (error) {
      opened[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * A master key. It stays this object's.
   *
   * @throws KeyStoreError KEY_NOT_FOUND where no folder has it, PASSWORD_WRONG where no secret opens it.
   */
  async masterKey(guid: string): Promise<SecretBytes> {
    let last: unknown = new KeyStoreError('KEY_NOT_FOUND');
    for (const profile of this.#profiles) {
      try {
        return (await profile.openMasterKey(guid)).key;
      } catch (error) {
        if (!KeyStoreError.is(error)) throw error;
        if (error.code !== 'KEY_NOT_FOUND') last = error;
      }
    }
    throw last;
  }

  /** SIDs that have a master key of this GUID. */
  ownersOf(guid: string): string[] {
    return this.#profiles
      .flatMap(({ masterKeys }) => masterKeys)
      .flatMap((file) => (file.guid === guid && file.sid !== undefined ? [file.sid] : []));
  }

  [Symbol.dispose](): void {
    for (const profile of this.#profiles) profile[Symbol.dispose]();
    for (const secret of this.#secrets) secret[Symbol.dispose]();
  }
}

/** A root that is a file stands for its folder. */
function foldersOf(inventory: Inventory | undefined): string[] {
  if (!inventory) return [];
  const files = new Set(inventory.items.map(({ path }) => path));
  return [...new Set(inventory.roots.map((root) => (files.has(root) ? dirname(root) : root)))];
}
