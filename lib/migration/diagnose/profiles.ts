/** Profiles: the master keys of all folders that were looked through. */
import { dirname } from 'node:path';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { WindowsProfile } from '../../legacy/dpapi/windows-profile.ts';
import type { Inventory } from '../inventory.ts';
import { PasswordForms, profileSecrets, type LegacySecrets } from '../legacy-secrets.ts';

export class Profiles implements Disposable {
  readonly #profiles: readonly WindowsProfile[];
  readonly #forms: PasswordForms;

  private constructor(profiles: readonly WindowsProfile[], forms: PasswordForms) {
    this.#profiles = profiles;
    this.#forms = forms;
  }

  /** @param secrets - The caller still owns them. */
  static async open(inventory: Inventory | undefined, secrets: LegacySecrets): Promise<Profiles> {
    const forms = new PasswordForms(secrets.passwords);
    const profiles: WindowsProfile[] = [];
    try {
      for (const folder of foldersOf(inventory))
        profiles.push(
          await WindowsProfile.open(folder, profileSecrets(secrets, forms), {
            onUnreadable: () => undefined,
          }),
        );
      return new Profiles(profiles, forms);
    } catch (error) {
      for (const profile of profiles) profile[Symbol.dispose]();
      forms[Symbol.dispose]();
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
    this.#forms[Symbol.dispose]();
  }
}

/** A root that is a file stands for its folder. */
function foldersOf(inventory: Inventory | undefined): string[] {
  if (!inventory) return [];
  const files = new Set(inventory.items.map(({ path }) => path));
  return [...new Set(inventory.roots.map((root) => (files.has(root) ? dirname(root) : root)))];
}
