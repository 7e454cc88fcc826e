/** keycask store copy: from any store into any other. */
import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { withFsErrors } from '../../platform/fs-error.ts';
import type { CopyEnd } from '../../stores/copy-store.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { usage } from '../errors.ts';
import { examples, notEmpty } from '../options.ts';
import { Progress } from '../progress.ts';

interface CopyCommandOptions {
  readonly urlFile?: string;
  readonly toUrlFile?: string;
  readonly storeId?: string;
  readonly schema?: string;
}

type CopyContext = CommandContext<CopyCommandOptions>;

export function addStoreCopy(group: Command, invocation: Invocation): void {
  const command = group
    .command('copy')
    .summary('copy a store, with its log, into another one')
    .description(
      'Copy a store, with its log where it has one, into another one, and compare both byte for byte. Goes on where it was interrupted, and brings an older copy up to date. A store is a folder of records, a file of LMDB (.mdb), or "postgres".',
    )
    .argument('<from>', 'folder, .mdb file, or postgres')
    .argument('<to>', 'folder, .mdb file, or postgres; empty, or an earlier copy')
    .option(
      '--url-file <file>',
      'of postgres: file with the URL of the database (else KEYCASK_STORE_URL, else the PG variables)',
      notEmpty,
    )
    .option(
      '--to-url-file <file>',
      'of <to>, where both are postgres (default: as --url-file)',
      notEmpty,
    )
    .option(
      '--store-id <id>',
      'of postgres: whose records, 32 hex digits (see `keycask store status`)',
    )
    .addOption(
      new Option('--schema <name>', 'of postgres: schema of the tables').default('keycask'),
    )
    .action(
      action<CopyCommandOptions>(invocation, async (context, from: string, to: string) => {
        const { copyStore } = await import('../../stores/copy-store.ts');
        const { urlFile, toUrlFile = urlFile } = context.options;
        await requireOther(from, to, urlFile === toUrlFile);
        await using source = await openEnd(context, await requireStore(from), urlFile);
        await using target = await openEnd(context, await refuseHome(to), toUrlFile);
        using progress = new Progress(context, 'records and entries');
        const copied = await copyStore(source, target, {
          signal: context.signal,
          onProgress: ({ step, done, total }) => progress.update({ name: step, done, total }),
        });
        context.output.result(
          copied,
          `${copied.records} records and ${copied.entries} log entries are the same in both, ${copied.written} were written`,
        );
      }),
    );
  examples(
    command,
    'keycask store copy records.mdb backup.mdb',
    'keycask store copy postgres backup.mdb --store-id 00112233445566778899aabbccddeeff --url-file database-url',
  );
}

/**
 * Opening a store makes it: a name that was mistyped would be an empty store, of which a faithful copy is soon made.
 *
 * @throws KeyStoreError FILE_NOT_FOUND, USAGE.
 */
async function requireStore(place: string): Promise<string> {
  if (place === POSTGRES || isUrl(place)) return place;
  await withFsErrors(place, () => stat(place));
  return refuseHome(place);
}

/** Beside the records of a home lies what is no record: its folder would look like an empty store. */
async function refuseHome(place: string): Promise<string> {
  const isHome = await stat(join(place, 'keycask.json')).then(
    () => true,
    () => false,
  );
  if (!isHome) return place;
  throw usage(
    `${place} is a home, not what its records lie in`,
    `Where they are is told by \`keycask store status --home ${place}\`.`,
  );
}

async function requireOther(from: string, to: string, isSameServer: boolean): Promise<void> {
  const [source, target] = [await identityOf(from), await identityOf(to)];
  if (source === target && (from !== POSTGRES || isSameServer))
    throw usage('both are the same store', 'Name two.');
}

async function identityOf(place: string): Promise<string> {
  if (place === POSTGRES) return place;
  return realpath(place).catch(() => resolve(place));
}

function isUrl(place: string): boolean {
  return /^postgres(ql)?:/u.test(place);
}

async function openEnd(
  { options, storeUrl }: CopyContext,
  place: string,
  urlFile: string | undefined,
): Promise<CopyEnd> {
  if (place === POSTGRES) {
    const { storeId, schema } = options;
    if (storeId === undefined)
      throw usage('--store-id is missing', 'Say whose records: `keycask store status` tells it.');
    const { openPostgresArchive } = await import('../../stores/postgres.ts');
    return openPostgresArchive({
      storeId,
      ...(schema !== undefined && { schema }),
      ...(urlFile !== undefined && { urlFile }),
      ...(urlFile === undefined && storeUrl !== undefined && { url: storeUrl }),
    });
  }
  if (isUrl(place))
    throw usage(
      'a URL of a database is not an argument: every user of this machine could read it',
      'Say postgres, and give the URL with --url-file or KEYCASK_STORE_URL.',
    );
  const isFolder = await stat(place).then(
    (stats) => stats.isDirectory(),
    () => !place.endsWith('.mdb'),
  );
  if (isFolder) {
    const { openDirectoryStore } = await import('../../stores/directory.ts');
    return openDirectoryStore(place);
  }
  const { openLmdbArchive } = await import('../../stores/lmdb.ts');
  return openLmdbArchive(place);
}

const POSTGRES = 'postgres';
