/** Options of `keycask init` that say where the records lie. */
import { Option, type Command } from 'commander';
import { KeyStoreError } from '../../errors.ts';
import { readSmallFile } from '../../platform/read-small-file.ts';
import type { CreateStoreOptions, StoreChoice } from '../../session-key-store/types.ts';
import { usage } from '../errors.ts';
import { notEmpty } from '../options.ts';

/** Where the records of a new home are to lie. */
export interface StorePlaceOptions {
  readonly store?: StoreChoice['kind'];
  readonly storeFile?: string;
  readonly storeUrlFile?: string;
  readonly storeSchema?: string;
  readonly join?: string;
}

export function addStorePlaces(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--store <kind>',
        'where the records lie: directory, in the home; lmdb, in one file; postgres, in a database (default: directory)',
      ).choices(['directory', 'lmdb', 'postgres']),
    )
    .option('--store-file <path>', 'of lmdb: the file (default: records.mdb in the home)', notEmpty)
    .option(
      '--store-url-file <file>',
      'of postgres: file with the URL of the database (else KEYCASK_STORE_URL, else the PG variables)',
      notEmpty,
    )
    .option('--store-schema <name>', 'of postgres: schema of the tables (default: keycask)')
    .option(
      '--join <file>',
      'share the store of another home: its invitation, from `keycask store invite`',
      notEmpty,
    );
}

/** @throws KeyStoreError USAGE for options that do not go together; FILE_NOT_FOUND. */
export async function storePlace(
  options: StorePlaceOptions,
): Promise<Pick<CreateStoreOptions, 'store' | 'join'>> {
  const { store: kind = 'directory', storeFile, storeUrlFile, storeSchema, join } = options;
  if (kind !== 'lmdb' && storeFile !== undefined)
    throw usage('--store-file is of lmdb', 'Say --store lmdb with it.');
  if (kind !== 'postgres' && (storeUrlFile ?? storeSchema) !== undefined)
    throw usage(
      '--store-url-file and --store-schema are of postgres',
      'Say --store postgres with them.',
    );
  if (kind === 'directory' && join !== undefined)
    throw usage(
      'records that lie in a home are shared with nobody',
      'Say --store lmdb or --store postgres with --join, as the other home did.',
    );
  return {
    store: choiceOf(kind, options),
    ...(join !== undefined && { join: await readInvitationFile(join) }),
  };
}

function choiceOf(
  kind: StoreChoice['kind'],
  { storeFile, storeUrlFile, storeSchema }: StorePlaceOptions,
): StoreChoice {
  if (kind === 'directory') return { kind };
  if (kind === 'lmdb') return { kind, ...(storeFile !== undefined && { path: storeFile }) };
  return {
    kind,
    ...(storeUrlFile !== undefined && { urlFile: storeUrlFile }),
    ...(storeSchema !== undefined && { schema: storeSchema }),
  };
}

async function readInvitationFile(path: string): Promise<Uint8Array> {
  const bytes = await readSmallFile(path, MAX_INVITATION);
  if (!bytes) throw new KeyStoreError('FILE_NOT_FOUND', `${path}: there is no such file`);
  return bytes;
}

/** Five hundred certificates, in base64. */
const MAX_INVITATION = 1 << 24;
