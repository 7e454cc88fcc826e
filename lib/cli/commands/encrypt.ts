/** keycask encrypt: files, folders, or standard input. */
import { Option, type Command } from 'commander';
import type { EncryptedFile, EncryptOptions } from '../../encrypt-file.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { SessionKeyStore } from '../../session-key-store.ts';
import { readCertificates } from '../certificate-file.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { planFiles, STANDARD } from '../file-plan.ts';
import { carryOut, type FileWork } from '../file-work.ts';
import { openStore } from '../open-store.ts';
import {
  contextOption,
  examples,
  forceOption,
  numberIn,
  outOption,
  passwordFileOption,
  recipientOption,
  type ForceOption,
  type OutOption,
  type PasswordOption,
} from '../options.ts';
import { refuseTerminal } from '../streams.ts';

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
    .summary('encrypt files, folders, or standard input')
    .description(
      'Encrypt files and folders: FILE becomes FILE.cask beside it. Without PATH, standard input to standard output.',
    )
    .argument('[path...]', 'files and folders; sources are never deleted')
    .addOption(outOption('output file, or folder for the outputs; - is standard output'))
    .addOption(recipientOption())
    .addOption(
      new Option('--key <label|id>', 'a key of the store instead of a new one').conflicts([
        'recipient',
        'password',
        'passwordFile',
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
        const { options, output } = context;
        const plan = await planFiles({ paths, out: options.out, json: output.json });
        if (plan.kind === 'stream' && plan.out === STANDARD) refuseTerminal('what is encrypted');
        const recipients = await readCertificates(options.recipient);
        using password = await newPassword(context);
        await using store = await openStore(context);
        const work = await encryption(context, store, {
          ...(options.key !== undefined && { key: options.key }),
          ...(recipients.length > 0 && { recipients }),
          ...(password && { password }),
          ...(options.context && { context: options.context }),
        });
        await carryOut(context, plan, work);
      }),
    );
  examples(
    command,
    'keycask encrypt report.pdf',
    'keycask encrypt photos -o /backup -r archive.pem',
    'tar c . | keycask encrypt > all.tar.cask',
  );
}

/** --password asks for one; --password-file alone means the same. */
async function newPassword(context: EncryptContext): Promise<SecretBytes | undefined> {
  const { password, passwordFile: file } = context.options;
  if (password !== true && file === undefined) return undefined;
  return context.readSecret({ name: 'password', prompt: 'New password', file, isNew: true });
}

async function encryption(
  { options }: EncryptContext,
  store: SessionKeyStore,
  keyOptions: EncryptOptions,
): Promise<FileWork<EncryptedFile>> {
  const { encryptFile, encryptStream, encryptTree } = await import('../../encrypt-file.ts');
  const { force: overwrite = false, keyPerFile = false, jobs } = options;
  const one = { ...keyOptions, headerOnly: keyPerFile, overwrite };
  const many = { ...keyOptions, keyPerFile, overwrite, ...(jobs !== undefined && { jobs }) };
  return {
    verb: 'encrypted',
    mode: CIPHERTEXT_MODE,
    overwrite,
    stream: (source, work) => encryptStream(store, source, { ...one, ...work }),
    file: (source, target, work) => encryptFile(store, source, target, { ...one, ...work }),
    tree: (sources, folder, work) => encryptTree(store, sources, { ...many, ...folder, ...work }),
  };
}
