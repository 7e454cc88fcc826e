/** keycask decrypt: files, folders, or standard input. */
import { Option, type Command } from 'commander';
import type { DecryptOptions } from '../../encrypt-file.ts';
import type { FileKeys } from '../../contracts/file-keys.ts';
import { readCertificates } from '../certificate-file.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { usage } from '../errors.ts';
import { askingForPassword, passwordOnce } from '../file-password.ts';
import { describeTally, followFiles, planFiles, type FilePlan } from '../file-work.ts';
import { openStore, openStoreOrNone } from '../open-store.ts';
import {
  contextOption,
  examples,
  forceOption,
  numberIn,
  outOption,
  passwordFileOption,
  repeated,
  type ForceOption,
  type OutOption,
  type PasswordOption,
} from '../options.ts';
import { Progress } from '../progress.ts';
import { readChunks, STANDARD, writeChunks } from '../stream-work.ts';

interface DecryptCommandOptions extends OutOption, ForceOption, PasswordOption {
  readonly signer?: readonly string[];
  readonly jobs?: number;
  readonly context?: Record<string, string>;
}

type DecryptContext = CommandContext<DecryptCommandOptions>;

/** The owner's alone. */
const PLAINTEXT_MODE = 0o600;

export function addDecrypt(program: Command, invocation: Invocation): void {
  const command = program
    .command('decrypt')
    .description(
      'Decrypt files and folders: FILE.cask becomes FILE. Without PATH, standard input to standard output.',
    )
    .argument('[path...]', 'files and folders; sources are never deleted')
    .addOption(outOption('output file, or folder for the outputs; - is standard output'))
    .addOption(
      repeated('--signer <cert>', 'certificate (PEM or DER) of a signer to trust this time'),
    )
    .addOption(passwordFileOption())
    .addOption(new Option('--jobs <n>', 'files at the same time').argParser(numberIn(1, 64)))
    .addOption(contextOption('pair that each file must have been encrypted with'))
    .addOption(forceOption('replace outputs that are there'))
    .action(
      action<DecryptCommandOptions>(invocation, async (context, paths: string[]) => {
        const { options, output } = context;
        const plan = await planFiles(paths, options.out);
        if (output.json && plan.kind === 'stream' && (plan.out ?? STANDARD) === STANDARD)
          throw usage(
            'the answer and the data would both go to standard output',
            'give a file with -o',
          );
        const signers = await readCertificates(options.signer);
        using password = passwordOnce(context, options.passwordFile);
        // What a password opens needs no home: it may be on another machine, years later.
        const open = password.isGiven ? openStoreOrNone : openStore;
        await using store = await open(context);
        await decryptPlan(context, askingForPassword(store, password), plan, {
          ...(signers.length > 0 && { signers }),
          ...(options.context && { context: options.context }),
        });
      }),
    );
  examples(
    command,
    'keycask decrypt report.pdf.cask',
    'keycask decrypt /backup/photos -o restored',
    'keycask decrypt < all.tar.cask | tar x',
  );
}

// oxlint-disable-next-line max-params -- context and keys stand first everywhere
async function decryptPlan(
  context: DecryptContext,
  keys: FileKeys,
  plan: FilePlan,
  keyOptions: DecryptOptions,
): Promise<void> {
  const { decryptFile, decryptStream, decryptTree } = await import('../../encrypt-file.ts');
  const { options, output, signal } = context;
  const { force: overwrite = false, jobs } = options;
  switch (plan.kind) {
    case 'stream': {
      const chunks = decryptStream(keys, readChunks(plan.source), { ...keyOptions, signal });
      const bytes = await writeChunks(chunks, { out: plan.out, overwrite, mode: PLAINTEXT_MODE });
      if (output.json) output.result({ source: plan.source, target: plan.out, bytes }, '');
      return;
    }
    case 'file': {
      const { source, target } = plan;
      using progress = new Progress(context, 'files');
      const file = await decryptFile(keys, source, target, {
        ...keyOptions,
        overwrite,
        signal,
        onProgress: ({ bytesDone, bytesTotal }) =>
          progress.update({ name: source, bytes: bytesDone, bytesTotal }),
      });
      if (output.json) output.result({ source, target, ...file }, '');
      return;
    }
    case 'tree': {
      const { sources, targetFolder } = plan;
      const tally = await followFiles(context, sources, (work) =>
        decryptTree(keys, sources, {
          ...keyOptions,
          ...work,
          overwrite,
          ...(targetFolder !== undefined && { targetFolder }),
          ...(jobs !== undefined && { jobs }),
        }),
      );
      if (tally.done + tally.failed + tally.skipped !== 1)
        output.note(describeTally('decrypted', tally));
    }
  }
}
