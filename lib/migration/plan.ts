/** planMigration: what a migration will do with each file of an inventory. Opens private keys, stores nothing. */
import { basename, extname, relative } from 'node:path';
import { METADATA_LIMITS } from '../cms/metadata.ts';
import { findData, type DataFile, type DataMap } from './data-files.ts';
import type { InventoryItem } from './inventory-item.ts';
import type { Inventory } from './inventory.ts';
import { KeysAtHand } from './keys-at-hand.ts';
import type { LegacySecrets } from './legacy-secrets.ts';
import { isBelow } from './source-files.ts';
import { pathText } from './path-text.ts';

/** A session key that is to be brought over. */
export interface PlannedKey {
  readonly item: InventoryItem;
  /** Where the blob begins in its file. */
  readonly start: number;
  /** Label of the record: the path below the folder that was named, without its ending, `keys:report`. */
  readonly label: string;
  /** What was encrypted with it, as far as names and places tell. */
  readonly data: readonly DataFile[];
}

/** What a run does. Disposing of it wipes the session keys that were found in the clear. */
export interface MigrationPlan extends Disposable {
  readonly inventory: Inventory;
  readonly keysAtHand: KeysAtHand;
  readonly keys: readonly PlannedKey[];
}

export interface PlanOptions {
  readonly secrets?: LegacySecrets;
  /** Put before each label. */
  readonly labelPrefix?: string;
  /** Which key and which parameters data files have, where names do not tell. */
  readonly dataMap?: DataMap;
}

/**
 * Plans a migration.
 *
 * @param inventory - From `inventory`.
 * @returns The caller disposes of it, after the run.
 * @throws KeyStoreError PARAMETER_INVALID for a data map that names what is not there.
 * @example
 * ```ts
 * using plan = await planMigration(await inventory(['/mnt/old']), { secrets: { passwords: [password] } });
 * console.log(plan.keys.length, plan.keysAtHand.closed);
 * ```
 */
export async function planMigration(
  inventory: Inventory,
  options: PlanOptions = {},
): Promise<MigrationPlan> {
  const keysAtHand = await KeysAtHand.find(inventory, options.secrets);
  try {
    const dataOf = findData(inventory, options.dataMap);
    const keys = inventory.items
      .filter(({ role }) => role === 'session-key')
      .map((item) => ({
        item,
        start: item.format === LENGTH_PREFIXED ? LENGTH_OF_LENGTH : 0,
        label: labelOf(item, inventory.roots, options.labelPrefix),
        data: dataOf(item),
      }));
    return { inventory, keysAtHand, keys, [Symbol.dispose]: () => keysAtHand[Symbol.dispose]() };
  } catch (error) {
    keysAtHand[Symbol.dispose]();
    throw error;
  }
}

/** Folders are set off by colons: what has a slash is a file to every command. What a label may not have becomes a dash. */
function labelOf({ path }: InventoryItem, roots: readonly string[], prefix = ''): string {
  const root =
    roots.length === 1
      ? roots[0]
      : roots.find((candidate) => path === candidate || isBelow(path, candidate));
  const below = root === undefined || root === path ? basename(path) : relative(root, path);
  const name = below.slice(0, below.length - extname(below).length).replaceAll(/[/\\]/gu, ':');
  return pathText(`${prefix}${name}`, METADATA_LIMITS.label);
}

/** The layout of Windows' own example program: a u32 with the blob's length, the blob, the ciphertext. */
export const LENGTH_PREFIXED = 'length-prefixed-simpleblob';
const LENGTH_OF_LENGTH = 4;
