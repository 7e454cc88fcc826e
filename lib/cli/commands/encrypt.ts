/** keycask encrypt: files, folders, or standard input. */
import { Option, type Command } from 'commander';
import type { EncryptOptions } from '../../encrypt-file.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { SessionKeyStore } from '../../session-key-store.ts';
import { readCertificates } from '../certificate-file.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { describeTally, followFiles, planFiles, type FilePlan } from '../file-work.ts';
import { openStore } from '../open-store.ts';
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
import { refuseTerminal } from '../streams.ts';
import { usage } from '../errors.ts';

interface EncryptCommandOptions extends OutOption, ForceOption, PasswordOption {
  readonly recipient?: readonly string[];
  readonly key?: string;
  readonly keyPerFile?: boolean;
  readonly password?: boolean;
  readonly jobs?: number;
  readonly context?: Record<string, string>;
}

type EncryptContext = CommandContext<EncryptCommandOptions>;

/** As open as the umask lets it be: what lies in it is encrypted. */
const CIPHERTEXT_MODE = 0o666;

export function addEncrypt(program: Command, invocation: Invocation): void {
  const command = program
    .command('encrypt')
    .description(
      'Encrypt files and folders: FILE becomes FILE.cask beside it. Without PATH, standard input to standard output.',
    )
    .argument('[path...]', 'files and folders; sources are never deleted')
    .addOption(outOption('output file, or folder for the outputs; - is standard output'))
    .addOption(
      repeated(
        '-r, --recipient <cert>',
        'certificate (PEM or DER) of someone else who can open it',
      ),
    )
    .addOption(
      new Option('--key <label|id>', 'a key of the store instead of a new one').conflicts([
        'recipient',
        'password',
        'keyPerFile',
      ]),
    )
    .option('--key-per-file', 'a new key for each file, in its header only')
    .option('--password', 'a password opens it too')
    .addOption(passwordFileOption())
    .addOption(new Option('--jobs <n>', 'files at the same time').argParser(numberIn(1, 64)))
    .addOption(contextOption('public pair that is authenticated with each file'))
    .addOption(forceOption('replace outputs that are there'))
    .action(
      action<EncryptCommandOptions>(invocation, async (context, paths: string[]) => {
        const { options } = context;
        const plan = await planFiles(paths, options.out);
        checkStandardOutput(context, plan);
        const recipients = await readCertificates(options.recipient);
        using password = await newPassword(context);
        await using store = await openStore(context);
        await encryptPlan(context, store, plan, {
          ...(options.key !== undefined && { key: options.key }),
          ...(recipients.length > 0 && { recipients }),
          ...(password && { password }),
          ...(options.context && { context: options.context }),
        });
      }),
    );
  examples(
    command,
    'keycask encrypt report.pdf',
    'keycask encrypt photos -o /backup -r archive.pem',
    'tar c . | keycask encrypt > all.tar.cask',
  );
}

/** A stream to standard output: nothing else may go there, and no terminal may get it. */
function checkStandardOutput({ output }: EncryptContext, plan: FilePlan): void {
  if (plan.kind !== 'stream' || (plan.out ?? STANDARD) !== STANDARD) return;
  if (output.json)
    throw usage('the answer and the data would both go to standard output', 'give a file with -o');
  refuseTerminal('what is encrypted');
}

/** --password asks for one; --password-file alone means the same. */
async function newPassword(context: EncryptContext): Promise<SecretBytes | undefined> {
  const { password, passwordFile: file } = context.options;
  if (password !== true && file === undefined) return undefined;
  return context.readSecret({ name: 'password', prompt: 'New password', file, isNew: true });
}

// oxlint-disable-next-line max-params -- context and store stand first everywhere
async function encryptPlan(
  context: EncryptContext,
  store: SessionKeyStore,
  plan: FilePlan,
  keyOptions: EncryptOptions,
): Promise<void> {
  const { encryptFile, encryptStream, encryptTree } = await import('../../encrypt-file.ts');
  const { options, output, signal } = context;
  const { force: overwrite = false, keyPerFile = false, jobs } = options;
  const headerOnly = keyPerFile;
  switch (plan.kind) {
    case 'stream': {
      const chunks = encryptStream(store, readChunks(plan.source), {
        ...keyOptions,
        headerOnly,
        signal,
      });
      const bytes = await writeChunks(chunks, { out: plan.out, overwrite, mode: CIPHERTEXT_MODE });
      if (output.json) output.result({ source: plan.source, target: plan.out, bytes }, '');
      return;
    }
    case 'file': {
      const { source, target } = plan;
      using progress = new Progress(context, 'files');
      const file = await encryptFile(store, source, target, {
        ...keyOptions,
        headerOnly,
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
        encryptTree(store, sources, {
          ...keyOptions,
          ...work,
          keyPerFile,
          overwrite,
          ...(targetFolder !== undefined && { targetFolder }),
          ...(jobs !== undefined && { jobs }),
        }),
      );
      if (tally.done + tally.failed + tally.skipped !== 1)
        output.note(describeTally('encrypted', tally));
    }
  }
}
