/** keycask decrypt: files, folders, or standard input. */
import { Option, type Command } from 'commander';
import type { DecryptedFile, DecryptOptions } from '../../encrypt-file.ts';
import type { FileKeys } from '../../contracts/file-keys.ts';
import { readCertificates } from '../certificate-file.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { askingForPassword, passwordOnce } from '../file-password.ts';
import { planFiles } from '../file-plan.ts';
import { carryOut, type FileWork } from '../file-work.ts';
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

interface DecryptCommandOptions extends OutOption, ForceOption, PasswordOption {
  readonly password?: boolean;
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
    .summary('decrypt files, folders, or standard input')
    .description(
      'Decrypt files and folders: FILE.cask becomes FILE. Without PATH, standard input to standard output.',
    )
    .argument('[path...]', 'files and folders; sources are never deleted')
    .addOption(outOption('output file, or folder for the outputs; - is standard output'))
    .addOption(
      repeated('--signer <cert>', 'certificate (PEM or DER) of a signer to trust this time'),
    )
    .option('--password', 'open with a password, asked for unless it is given')
    .addOption(passwordFileOption())
    .addOption(new Option('--jobs <n>', 'files at the same time').argParser(numberIn(1, 64)))
    .addOption(contextOption('pair that each file must have been encrypted with'))
    .addOption(forceOption('replace outputs that are there'))
    .action(
      action<DecryptCommandOptions>(invocation, async (context, paths: string[]) => {
        const { options, output } = context;
        const plan = await planFiles({ paths, out: options.out, json: output.json });
        const signers = await readCertificates(options.signer);
        using password = passwordOnce(context, options);
        // What a password opens needs no home: it may be on another machine, years later.
        const open = password.isWanted ? openStoreOrNone : openStore;
        await using store = await open(context);
        const work = await decryption(context, askingForPassword(store, password), {
          ...(signers.length > 0 && { signers }),
          ...(options.context && { context: options.context }),
        });
        await carryOut(context, plan, work);
      }),
    );
  examples(
    command,
    'keycask decrypt report.pdf.cask',
    'keycask decrypt /backup/photos -o restored',
    'keycask decrypt < all.tar.cask | tar x',
  );
}

async function decryption(
  { options }: DecryptContext,
  keys: FileKeys,
  keyOptions: DecryptOptions,
): Promise<FileWork<DecryptedFile>> {
  const { decryptFile, decryptStream, decryptTree } = await import('../../encrypt-file.ts');
  const { force: overwrite = false, jobs } = options;
  const one = { ...keyOptions, overwrite };
  const many = { ...one, ...(jobs !== undefined && { jobs }) };
  return {
    verb: 'decrypted',
    mode: PLAINTEXT_MODE,
    overwrite,
    stream: (source, work) => decryptStream(keys, source, { ...one, ...work }),
    file: (source, target, work) => decryptFile(keys, source, target, { ...one, ...work }),
    tree: (sources, folder, work) => decryptTree(keys, sources, { ...many, ...folder, ...work }),
  };
}
