/** keycask verify: are records, record files and encrypted files what they were signed as? */
import type { Command } from 'commander';
import { KeyStoreError } from '../../errors.ts';
import type { SessionKeyStore } from '../../session-key-store.ts';
import type { VerifyResult } from '../../session-key-store/types.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import {
  askingForPassword,
  wantedPassword,
  passwordOnce,
  type PasswordOnce,
} from '../file-password.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import { examples, passwordFileOption, type PasswordOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { readChunks } from '../stream-work.ts';
import { resolveTarget } from '../target.ts';

interface VerifyOptions extends PasswordOption {
  readonly content?: boolean;
}

type VerifyContext = CommandContext<VerifyOptions>;

/** What was verified: a key of the store, or a file. */
type Verified = VerifyResult & { readonly file?: string; readonly bytes?: number };

export function addVerify(program: Command, invocation: Invocation): void {
  const command = program
    .command('verify')
    .summary('verify keys, record files and encrypted files')
    .description(
      'Verify records of the store (all by default), record files (.cms) and headers of encrypted files (.cask).',
    )
    .argument('[id|file...]', 'ids, unique prefixes, labels, or files')
    .option('--content', 'decrypt encrypted files to their end as well, without writing')
    .addOption(passwordFileOption())
    .action(
      action<VerifyOptions>(invocation, async (context, queries: string[]) => {
        const open = context.options.content ? openStore : openStoreReadOnly;
        await using store = await open(context);
        using password = passwordOnce(context, context.options);
        if (queries.length === 0) await verifyStored(context, store.verify());
        for (const query of queries) {
          context.signal.throwIfAborted();
          try {
            await verifyOne({ context, store, password }, query);
          } catch (error) {
            context.fail(error, { query });
          }
        }
      }),
    );
  examples(command, 'keycask verify', 'keycask verify report.pdf.cask --content');
}

interface Verification {
  readonly context: VerifyContext;
  readonly store: SessionKeyStore;
  readonly password: PasswordOnce;
}

async function verifyOne({ context, store, password }: Verification, query: string): Promise<void> {
  const target = await resolveTarget(store, query);
  if (target.kind === 'key') return verifyStored(context, store.verify(target.id));
  const { path, record } = target;
  const { id, label, version } = store.verifyRecord(record, await wantedPassword(password));
  const readThrough = target.kind === 'cask' && context.options.content;
  const bytes = readThrough ? await readContent({ context, store, password }, path) : undefined;
  print(context, {
    file: path,
    id,
    label,
    version,
    state: 'ok',
    ...(bytes !== undefined && { bytes }),
  });
}

/** Decrypts to the end; what comes out is dropped. */
async function readContent(
  { context, store, password }: Verification,
  path: string,
): Promise<number> {
  const { decryptStream } = await import('../../encrypt-file.ts');
  using progress = new Progress(context, 'files');
  const plaintext = decryptStream(askingForPassword(store, password), readChunks(path), {
    signal: context.signal,
    onProgress: ({ bytesDone }) => progress.update({ name: path, bytes: bytesDone }),
  });
  let bytes = 0;
  for await (const part of plaintext) bytes += part.length;
  return bytes;
}

async function verifyStored(
  context: VerifyContext,
  results: AsyncIterable<VerifyResult>,
): Promise<void> {
  for await (const result of results) {
    print(context, result);
    if (result.state !== 'ok')
      context.failures.report(new KeyStoreError(result.state, result.message), result.id);
  }
}

function print({ output }: VerifyContext, result: Verified): void {
  const { file, id, label, version, state } = result;
  output.result(result, `${state}  ${file ?? id}  version ${version}  ${label}`);
}
