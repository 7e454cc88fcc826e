/**
 * KeyFolder: files `<stem>.<generation>.key`, each change a new generation, the highest one current.
 *
 * A generation is linked into place, so of two processes that make the same one exactly one wins; no lock files. Older generations go
 * afterwards. A deletion is a generation too, so that a change made from an older sight of the key cannot bring it back.
 */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeUtf8, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { syncDirectory, unlinkIfThere, writeDurably } from '../../platform/durable-file.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';
import { readSmallFile } from '../../platform/read-small-file.ts';
import { LIMITS } from '../rules/limits.ts';

export interface Generation {
  readonly generation: number;
  /** undefined: deleted. */
  readonly bytes: Uint8Array | undefined;
}

export class KeyFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The current generation of `stem`; undefined where there never was one. */
  async current(stem: string): Promise<Generation | undefined> {
    let absent = 0;
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const generation = highest(await this.#generations(stem));
      // A concurrent change can hide both the old name and the new one from a single reading of the folder.
      if (generation === undefined && ++absent === LISTINGS_TO_BELIEVE) return undefined;
      const bytes = generation && (await readKeyFile(this.#path(stem, generation)));
      // Gone since the listing: somebody made a newer one.
      if (!bytes) continue;
      return { generation, bytes: equalBytes(bytes, TOMBSTONE) ? undefined : bytes };
    }
    throw new KeyStoreError('STORE_CONFLICT', 'other processes keep changing this key');
  }

  /**
   * Makes `generation` current, durably.
   *
   * @param bytes - undefined deletes.
   * @returns false where somebody else made it, or a later one; nothing was changed then.
   * @throws KeyStoreError KEY_FILE_DAMAGED after a generation that no key reaches by being changed: nobody would see the next one.
   */
  async add(stem: string, generation: number, bytes: Uint8Array | undefined): Promise<boolean> {
    if (generation > MAX_GENERATION)
      throw new KeyStoreError('KEY_FILE_DAMAGED', `${stem}: somebody made up its last generation`);
    await this.#make();
    const path = this.#path(stem, generation);
    try {
      await writeDurably(path, bytes ?? TOMBSTONE, { place: 'create' });
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'FILE_EXISTS') return false;
      throw error;
    }
    const generations = await this.#generations(stem);
    // Its name may have been free because a later generation had already replaced it.
    const isLost = (highest(generations) ?? 0) > generation;
    await withFsErrors(path, async () => {
      if (isLost) await unlinkIfThere(path);
      else
        for (const older of generations)
          if (older < generation) await unlinkIfThere(this.#path(stem, older));
    });
    return !isLost;
  }

  /** Every stem that has a file, ascending; deleted ones too. */
  async stems(): Promise<string[]> {
    const stems = new Set<string>();
    for (const name of await this.#names()) {
      const match = FILE_NAME.exec(name);
      if (match) stems.add(match[1]!);
    }
    return [...stems].toSorted();
  }

  async #generations(stem: string): Promise<number[]> {
    const generations: number[] = [];
    for (const name of await this.#names()) {
      if (!name.startsWith(`${stem}.`)) continue;
      const match = FILE_NAME.exec(name);
      if (match) generations.push(Number(match[2]));
    }
    return generations;
  }

  #names(): Promise<string[]> {
    return withFsErrors(this.path, async () => {
      try {
        return await readdir(this.path);
      } catch (error) {
        if (isFsError(error, 'ENOENT')) return [];
        throw error;
      }
    });
  }

  async #make(): Promise<void> {
    await withFsErrors(this.path, async () => {
      const first = await makeFolder(this.path, 0o700);
      if (first !== undefined) await syncDirectory(dirname(first));
    });
  }

  #path(stem: string, generation: number): string {
    return join(this.path, `${stem}.${generation}.key`);
  }
}

function highest(generations: readonly number[]): number | undefined {
  return generations.length === 0 ? undefined : Math.max(...generations);
}

async function readKeyFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readSmallFile(path, LIMITS.keyFile);
  } catch (error) {
    // No writer made a link, a pipe or a file of that size.
    if (KeyStoreError.is(error) && ['BLOB_TOO_LARGE', 'FILE_WRONG_TYPE'].includes(error.code))
      throw new KeyStoreError('KEY_FILE_DAMAGED', error.message);
    throw error;
  }
}

/** As many digits as FILE_NAME has. */
const MAX_GENERATION = 999_999_999;
const FILE_NAME = /^([0-9a-f]{40})\.([1-9][0-9]{0,8})\.key$/;
const TOMBSTONE = encodeUtf8('keycask: this key was deleted\n');
/** Each try that fails is another process that got further. */
const READ_ATTEMPTS = 1000;
const LISTINGS_TO_BELIEVE = 3;
