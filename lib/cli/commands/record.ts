/** keycask record: key records as files, out of the store and into it. */
import type { Command } from 'commander';
import { writeDurably } from '../../platform/durable-file.ts';
import { action, type Invocation } from '../context.ts';
import { about } from '../errors.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import {
  examples,
  forceOption,
  outOption,
  passwordFileOption,
  type ForceOption,
  type OutOption,
  type PasswordOption,
} from '../options.ts';
import { refuseTerminal, writeStandardOutput } from '../streams.ts';
import { STANDARD } from '../file-plan.ts';
import { readTargetFile, resolveTarget } from '../target.ts';
import { wantedPassword, passwordOnce } from '../file-password.ts';
import { usage } from '../errors.ts';

/** Records are signed and sealed: they may be read by all. */
const RECORD_MODE = 0o644;

export function addRecord(program: Command, invocation: Invocation): void {
  const group = program
    .command('record')
    .description('Key records as files, which `openssl cms` reads.');
  examples(group, 'keycask record export reports -o reports.cms');
  addExport(group, invocation);
  addImport(group, invocation);
}

function addExport(group: Command, invocation: Invocation): void {
  const command = group
    .command('export')
    .description(
      "Write a key's verified record (DER), from the store or an encrypted file's header.",
    )
    .argument('<id|file>', 'id, unique prefix of one, label, or file')
    .addOption(outOption('output file (else standard output)'))
    .addOption(forceOption('replace an output that is there'))
    .action(
      action<OutOption & ForceOption>(invocation, async (context, query: string) => {
        const { out = STANDARD, force } = context.options;
        if (out === STANDARD) {
          refuseTerminal('the record');
          if (context.output.json)
            throw usage(
              'the answer and the record would both go to standard output',
              'give a file with -o',
            );
        }
        await using store = await openStoreReadOnly(context);
        const target = await resolveTarget(store, query);
        const record = target.kind === 'key' ? await store.exportRecord(target.id) : target.record;
        const { id, version, label } = await about(query, async () => store.verifyRecord(record));
        if (out === STANDARD) return writeStandardOutput(record);
        await writeDurably(out, record, { place: force ? 'replace' : 'create', mode: RECORD_MODE });
        context.output.result({ id, version, label, target: out }, out);
      }),
    );
  examples(
    command,
    'keycask record export reports -o reports.cms',
    'keycask record export report.pdf.cask -o report.cms',
  );
}

function addImport(group: Command, invocation: Invocation): void {
  const command = group
    .command('import')
    .description(
      "Take a record in, from a record file or an encrypted file's header. Its signer must be trusted, or a password open it. It decrypts only, until you adopt it.",
    )
    .argument('<file>', 'record file (.cms) or encrypted file (.cask)')
    .addOption(passwordFileOption())
    .action(
      action<PasswordOption>(invocation, async (context, path: string) => {
        const { record } = await readTargetFile(path);
        using password = passwordOnce(context, context.options);
        await using store = await openStore(context);
        const info = await about(path, async () =>
          store.importRecord(record, await wantedPassword(password)),
        );
        const { id, version, label, decryptOnly } = info;
        context.output.result({ id, version, label, decryptOnly, source: path }, id);
        if (decryptOnly)
          context.output.note(
            'Others know this key, so it decrypts only. To encrypt with it as well: `keycask trust adopt ID`.',
          );
      }),
    );
  examples(command, 'keycask record import reports.cms');
}
