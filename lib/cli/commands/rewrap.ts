/** keycask rewrap: the same key under a new envelope, in the store, in a record file, or in an encrypted file's header. */
import { stat } from 'node:fs/promises';
import { Option, InvalidArgumentError, type Command } from 'commander';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { writeDurably } from '../../platform/durable-file.ts';
import type { SessionKeyStore } from '../../session-key-store.ts';
import type { BulkRewrapOptions, RewrapKeyOptions } from '../../session-key-store/types.ts';
import { readCertificates } from '../certificate-file.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { about, usage } from '../errors.ts';
import { openStore } from '../open-store.ts';
import { examples, passwordFileOption, repeated, type PasswordOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { resolveTarget, type FileTarget } from '../target.ts';

interface RewrapOptions extends PasswordOption {
  readonly add?: readonly string[];
  readonly drop?: readonly (number | string)[];
  readonly addPassword?: boolean;
  readonly to?: string;
  readonly shared?: boolean;
  readonly join?: boolean;
}

type RewrapContext = CommandContext<RewrapOptions>;

export function addRewrap(program: Command, invocation: Invocation): void {
  const command = program
    .command('rewrap')
    .summary('wrap keys anew, for other recipients or another container')
    .description(
      'Wrap keys anew, for other recipients or another container: of the store (all by default), record files (.cms), encrypted files (.cask). Ciphertext stays as it is.',
    )
    .argument('[id|file...]', 'ids, unique prefixes, labels, or files')
    .addOption(repeated('--add <cert>', 'certificate (PEM or DER) of a recipient to add'))
    .addOption(
      new Option(
        '--drop <recipient>',
        'recipient to leave out: its number in `keycask show`, or its key id (4 hex digits or more), which is the same in every record (may be repeated)',
      ).argParser(collectRecipient),
    )
    .option('--add-password', 'add a password; --password-file is then the new one')
    .addOption(passwordFileOption())
    .option('--to <container>', "wrap for this container instead of the home's own")
    .option(
      '--shared',
      'every key, the work shared with whoever runs the same command on the same database; resumed where it was interrupted',
    )
    .option('--join', 'as --shared, but only take part in what is under way')
    .action(
      action<RewrapOptions>(invocation, async (context, queries: string[]) => {
        await using store = await openStore(context);
        using password = await readPassword(context, queries.length > 0);
        const { addPassword, drop, to } = context.options;
        const add = await readCertificates(context.options.add);
        const options = {
          ...(add.length > 0 && { add }),
          ...(drop && { drop }),
          ...(password && (addPassword ? { addPassword: password } : { password })),
          ...(to !== undefined && { toContainer: to }),
        };
        const { shared = false, join = false } = context.options;
        if (shared || join) {
          if (queries.length > 0)
            throw usage('--shared and --join are of every key', 'Leave the ids and files out.');
          await rewrapShared(context, store, { ...options, isJoining: join });
          return;
        }
        if (queries.length === 0) await rewrapAll(context, store, options);
        for (const query of queries) {
          context.signal.throwIfAborted();
          try {
            await rewrapOne(context, { store, options, query });
          } catch (error) {
            context.fail(error, { query });
          }
        }
      }),
    );
  examples(
    command,
    'keycask rewrap reports --add archive.pem',
    'keycask rewrap report.pdf.cask --add-password',
  );
}

interface Rewrapping {
  readonly store: SessionKeyStore;
  readonly options: RewrapKeyOptions;
  readonly query: string;
}

async function readPassword(
  context: RewrapContext,
  mayOpen: boolean,
): Promise<SecretBytes | undefined> {
  const { addPassword = false, passwordFile: file } = context.options;
  const request = { name: 'password', file } as const;
  if (addPassword) return context.readSecret({ ...request, prompt: 'New password', isNew: true });
  if (!mayOpen || !context.isSecretGiven(request)) return undefined;
  return context.readSecret({ ...request, prompt: 'Password' });
}

/** Every key of the store, together with other processes. */
async function rewrapShared(
  context: RewrapContext,
  store: SessionKeyStore,
  options: BulkRewrapOptions,
): Promise<void> {
  using progress = new Progress(context, 'keys');
  const { signal } = context;
  const summary = await store.rewrapAll({
    ...options,
    signal,
    onProgress: ({ id, done, total }) => progress.update({ name: id, done, total }),
  });
  for (const { id, code } of summary.failures) context.fail(new KeyStoreError(code), { id });
  const { done, failed, own, machines } = summary;
  context.output.result(
    summary,
    `${done} keys re-wrapped by ${machines.length} processes, ${own.done} of them by this one, ${failed} failed`,
  );
}

/** Every key of the store; one that fails does not stop the rest. */
async function rewrapAll(
  context: RewrapContext,
  store: SessionKeyStore,
  options: RewrapKeyOptions,
): Promise<void> {
  using progress = new Progress(context, 'keys');
  // All ids first: what is written meanwhile must not be met again.
  const ids: string[] = [];
  for await (const { id } of store.listKeys()) ids.push(id);
  for (const [done, id] of ids.entries()) {
    context.signal.throwIfAborted();
    progress.update({ name: id, done, total: ids.length });
    try {
      await rewrapOne(context, { store, options, query: id });
    } catch (error) {
      context.fail(error, { query: id });
    }
  }
}

async function rewrapOne(
  context: RewrapContext,
  { store, options, query }: Rewrapping,
): Promise<void> {
  const target = await resolveTarget(store, query);
  if (target.kind === 'key') {
    const { id, version, label } = await store.rewrap(target.id, options);
    context.output.result({ id, version, label }, `${id}  version ${version}  ${label}`);
    return;
  }
  const rewrapped = await about(target.path, () =>
    rewrapFileTarget(context, { store, options }, target),
  );
  const { id, version, label } = store.verifyRecord(rewrapped, options);
  context.output.result(
    { file: target.path, id, version, label },
    `${target.path}  version ${version}  ${label}`,
  );
}

async function rewrapFileTarget(
  { signal }: RewrapContext,
  { store, options }: Omit<Rewrapping, 'query'>,
  target: FileTarget,
): Promise<Uint8Array> {
  const { path, record } = target;
  if (target.kind === 'record') {
    const rewrapped = await store.rewrapRecord(record, options);
    const { mode } = await stat(path);
    await writeDurably(path, rewrapped, { place: 'replace', mode: mode & 0o777 });
    return rewrapped;
  }
  const { rewrapFile } = await import('../../encrypt-file.ts');
  // Opened before it is changed: the new record may be for somebody else.
  using key = await store.openHeaderRecord(record, options);
  const rewrapped = await store.rewrapRecord(await newestRecord(store, record, options), options);
  await rewrapFile(store, path, rewrapped, { key, signal });
  return rewrapped;
}

/** The store's own record of a header's id, where it has one: its recipients are those that were last chosen. */
async function newestRecord(
  store: SessionKeyStore,
  header: Uint8Array,
  options: RewrapKeyOptions,
): Promise<Uint8Array> {
  const { id } = store.verifyRecord(header, options);
  try {
    return await store.exportRecord(id);
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'KEY_NOT_FOUND') return header;
    throw error;
  }
}

function collectRecipient(
  text: string,
  previous: (number | string)[] | undefined,
): (number | string)[] {
  const isNumber = /^\d{1,2}$/u.test(text);
  if (!isNumber && !/^[0-9a-f]{4,64}$/iu.test(text))
    throw new InvalidArgumentError('Want the number of a recipient, or its key id.');
  return [...(previous ?? []), isNumber ? Number(text) : text];
}
