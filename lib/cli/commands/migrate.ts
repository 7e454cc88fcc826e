/** keycask migrate: old key blobs and what they encrypted become records and encrypted files of the home. */
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { KeyStoreError } from '../../errors.ts';
import { counted } from '../../bytes/counted.ts';
import type { LegacySecrets } from '../../migration/legacy-secrets.ts';
import type { MigrationReport } from '../../migration/report.ts';
import type { SessionKeyStore } from '../../session-key-store.ts';
import { usage } from '../errors.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { addLegacyOptions, readLegacySecrets, type LegacyOptions } from '../legacy-options.ts';
import { openStore } from '../open-store.ts';
import { examples, numberIn } from '../options.ts';
import { Progress } from '../progress.ts';

interface MigrateOptions extends LegacyOptions {
  readonly dryRun?: boolean;
  readonly report?: string;
  readonly data?: string;
  readonly dataMap?: string;
  readonly labelPrefix?: string;
  readonly jobs?: number;
}

type MigrateContext = CommandContext<MigrateOptions>;

export function addMigrate(program: Command, invocation: Invocation): void {
  const command = program
    .command('migrate')
    .summary('bring old CryptoAPI keys, and what they encrypted, into the home')
    .description(
      'Bring old CryptoAPI keys into the home: looks through folders for key blobs, private keys, key containers (a copied Windows profile, a Wine prefix), opens what can be opened, and stores each session key as a signed record. Originals are never written to. A run that was interrupted is run again.',
    )
    .argument('<path...>', 'folders and files')
    .option('--dry-run', 'open everything, store nothing')
    .option('--report <folder>', 'where the report goes (default: migrations in the home)')
    .option('--data <folder>', 'decrypt old data files, and encrypt them again into this folder')
    .option('--data-map <file>', 'JSON: which key, mode, IV and salt old data files have')
    .option('--label-prefix <text>', 'put before the labels of the keys')
    .addOption(
      new Option(
        '--jobs <n>',
        'threads that open blobs, 1 to 64 (default: one for each core)',
      ).argParser(numberIn(1, 64)),
    );
  addLegacyOptions(command).action(
    action<MigrateOptions>(invocation, async (context, paths: string[]) => {
      const { options } = context;
      if (options.dataMap !== undefined && options.data === undefined)
        throw usage('--data-map without --data', 'say where new files go, for a dry run too');
      await using store = await openStore(context);
      using secrets = await readLegacySecrets(context);
      const { prepareReport, saveReport } = await import('../../migration/save-report.ts');
      await refuseSource('--data', options.data, paths);
      await refuseSource('--report', options.report, paths);
      if (options.report !== undefined) await prepareReport(options.report);
      await prepareData(options);
      const report = await migrate(context, store, {
        paths,
        secrets: secrets.secrets,
      });
      const folder = options.report ?? join(store.home!, 'migrations', report.run);
      const saved = await saveReport(store, report, folder);
      tell(context, report, saved.text);
    }),
  );
  examples(
    command,
    'keycask migrate old-keys --dry-run',
    'keycask migrate old-keys --data migrated --report migration-report',
    'keycask migrate /mnt/C/Users/alice --legacy-password-file password.txt',
  );
}

interface Work {
  readonly paths: readonly string[];
  readonly secrets: LegacySecrets;
}

async function migrate(
  context: MigrateContext,
  store: SessionKeyStore,
  { paths, secrets }: Work,
): Promise<MigrationReport> {
  const { options, signal } = context;
  const { inventory, planMigration, readDataMap, runMigration } =
    await import('../../migration/index.ts');
  const avoid = [store.home, options.data, options.report].filter((path) => path !== undefined);
  using looking = new Progress(context, 'files');
  const found = await inventory(paths, {
    avoid,
    signal,
    onProgress: ({ files, path }) => looking.update({ done: files, name: path }),
  });
  looking[Symbol.dispose]();
  const { dataMap, labelPrefix, data, jobs, dryRun } = options;
  using plan = await planMigration(found, {
    secrets,
    ...(labelPrefix !== undefined && { labelPrefix }),
    ...(dataMap !== undefined && { dataMap: await readDataMap(dataMap) }),
  });
  using progress = new Progress(context, 'keys');
  return await runMigration(plan, {
    store,
    signal,
    ...(dryRun === true && { dryRun }),
    ...(data !== undefined && { dataFolder: data }),
    ...(jobs !== undefined && { jobs }),
    onProgress: ({ done, total, path }) => progress.update({ done, total, name: path }),
  });
}

/** Before anything is stored. A dry run makes no folder for data. */
async function prepareData({ data, dryRun }: MigrateOptions): Promise<void> {
  if (data === undefined) return;
  const { prepareFolder, refuseFile } = await import('../../migration/output-folder.ts');
  await (dryRun === true ? refuseFile(data) : prepareFolder(data));
}

/** New files would lie among the old ones, which are never written to, and a folder that outputs go to is not looked through. */
async function refuseSource(
  option: '--data' | '--report',
  folder: string | undefined,
  paths: readonly string[],
): Promise<void> {
  if (folder === undefined) return;
  const target = await realPath(folder);
  for (const path of paths)
    if ((await realPath(path)) === target)
      throw new KeyStoreError('USAGE', `${option} ${folder} is a folder that is migrated from`, {
        hint: 'Name another folder: originals are never written to.',
      });
}

/** Whatever name it was given; what is not there yet has no other. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return resolve(path);
  }
}

/** A line for the whole, one for each failure on stderr, which also decides the exit code. */
function tell(context: MigrateContext, report: MigrationReport, reportPath: string): void {
  const { counts, failures, dryRun, risks, run } = report;
  const { output } = context;
  for (const { path, code, message, hint } of failures)
    context.fail(new KeyStoreError(code, message, hint === undefined ? {} : { hint }), {
      source: path,
    });
  const high = risks.filter(({ severity }) => severity === 'high');
  for (const { text, advice, count } of high)
    output.note(`risk, ${counted(count, 'file')}: ${text} ${advice}`);
  if (counts.keysThatOpen + counts.keysFailed === 0)
    output.note(
      `${counted(counts.files, 'file')} looked at, and no key blob found: is it the right folder?`,
    );
  const unsure = report.data.filter(({ certainty }) => certainty === 'none').length;
  if (unsure > 0)
    output.note(
      `${counted(unsure, 'data file')}: nothing shows that what came out is what was encrypted. Compare it before the originals go.`,
    );
  const keys = dryRun
    ? `${counted(counts.keysThatOpen, 'session key')} ${counts.keysThatOpen === 1 ? 'opens' : 'open'}`
    : `${counted(counts.keysStored, 'session key')} stored, ${counts.keysPresent} were there`;
  const present = report.data.filter(({ state }) => state === 'present').length;
  const data = dryRun
    ? `${counted(counts.dataFiles, 'data file')} ${counts.dataFiles === 1 ? 'decrypts' : 'decrypt'}`
    : `${counted(counts.dataFiles - present, 'data file')} encrypted again, ${present} were there`;
  output.result(
    { run, dryRun, ...counts, risks: risks.length, report: reportPath },
    `${keys}, ${counts.keysFailed} stay closed; ${data}; report: ${reportPath}`,
  );
}
