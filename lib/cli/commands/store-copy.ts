/** keycask store copy: from any store into any other. */
import { stat } from 'node:fs/promises';
import { Option, type Command } from 'commander';
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
        await using source = await openEnd(context, from, context.options.urlFile);
        const { toUrlFile = context.options.urlFile } = context.options;
        await using target = await openEnd(context, to, toUrlFile);
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

async function openEnd(
  { options, storeUrl }: CopyContext,
  place: string,
  urlFile: string | undefined,
): Promise<CopyEnd> {
  if (place === 'postgres') {
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
  if (/^postgres(ql)?:/u.test(place))
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
