/** Encrypting and decrypting many files and whole folders: mirrored file by file, several at a time, sources never deleted. */
import { KeyStoreError } from '../errors.ts';
import type { FileKey, FileKeys } from '../contracts/file-keys.ts';
import { throwIfAborted } from '../file-encryption/byte-source.ts';
import { decryptInRun, type DecryptFileOptions } from './decrypt.ts';
import { encryptInRun, type EncryptFileOptions } from './encrypt.ts';
import { FileRun } from './file-run.ts';
import type { DecryptedFile, EncryptedFile } from './options.ts';
import { walk, type Found, type SkipReason } from './walk.ts';

/** What became of one path. */
export type FileResult<Done = EncryptedFile> =
  | {
      readonly status: 'done';
      readonly source: string;
      readonly target: string;
      readonly file: Done;
    }
  | { readonly status: 'skipped'; readonly source: string; readonly reason: SkipReason }
  | {
      readonly status: 'failed';
      readonly source: string;
      readonly target?: string;
      readonly error: KeyStoreError;
    };

export interface TreeOptions {
  /**
   * Where the outputs go; it is made. One folder is mirrored as this one, several paths each get their own name in it. Without it outputs lie
   * beside their sources.
   */
  readonly targetFolder?: string;
  /** Files that are worked on at the same time; default 8, at most 64. */
  readonly jobs?: number;
}

export interface EncryptTreeOptions extends EncryptFileOptions, TreeOptions {
  /** A new session key for each file, in its header only; otherwise one for the whole call. */
  readonly keyPerFile?: boolean;
}

export interface DecryptTreeOptions extends DecryptFileOptions, TreeOptions {}

/** Ending of an encrypted file's name. */
export const FILE_ENDING = '.cask';

/**
 * Encrypts files and everything below folders: `name` becomes `name.cask`.
 *
 * A file that fails is reported and does not stop the rest. Symbolic links and special files that are found below a folder are reported and left
 * out, and so are files that end in `.cask` already. The new names are durable when the iteration ends. Whoever stops iterating stops the work.
 *
 * @param sources - Files and folders.
 * @yields {FileResult} One for each path, in the order in which they are done.
 * @throws KeyStoreError CANCELLED; what `keys.fileKey` throws for the key of the call; what making `targetFolder` throws.
 */
export async function* encryptTree(
  keys: FileKeys,
  sources: readonly string[],
  options: EncryptTreeOptions = {},
): AsyncGenerator<FileResult, void, undefined> {
  const { targetFolder, keyPerFile = false } = options;
  let lent: FileKey | undefined;
  const found = walk(sources, { targetFolder, outputName: encryptedName });
  try {
    yield* inParallel<EncryptedFile>(found, options, async () => {
      if (keyPerFile) return (task) => encryptInRun(withOptions(keys, task, { headerOnly: true }));
      // Made for the first file that needs it: a call that finds no file makes no key.
      const fileKey = options.fileKey ?? (lent ??= await keys.fileKey(options));
      return (task) => encryptInRun(withOptions(keys, task, { fileKey }));
    });
  } finally {
    lent?.[Symbol.dispose]();
  }
}

/**
 * Decrypts files and everything below folders: `name.cask` becomes `name`. The counterpart of {@link encryptTree}; files that do not end in
 * `.cask` are reported and left out.
 *
 * @param sources - Files and folders.
 * @yields {FileResult} One for each path, in the order in which they are done.
 * @throws KeyStoreError CANCELLED, and what making `targetFolder` throws.
 */
export async function* decryptTree(
  keys: FileKeys,
  sources: readonly string[],
  options: DecryptTreeOptions = {},
): AsyncGenerator<FileResult<DecryptedFile>, void, undefined> {
  const { targetFolder } = options;
  const found = walk(sources, { targetFolder, outputName: decryptedName });
  const work = (task: TreeTask) => decryptInRun(withOptions(keys, task));
  yield* inParallel<DecryptedFile>(found, options, () => Promise.resolve(work));
}

const DEFAULT_JOBS = 8;
const MAX_JOBS = 64;

function encryptedName(name: string, named: boolean) {
  // Who names a .cask file means it; who names a folder for the second time does not want everything encrypted twice.
  if (name.endsWith(FILE_ENDING) && !named) return 'already-encrypted';
  return { name: name + FILE_ENDING };
}

function decryptedName(name: string) {
  const plain = name.slice(0, -FILE_ENDING.length);
  // What is left of `..cask` and `...cask` names folders.
  if (!name.endsWith(FILE_ENDING) || ['', '.', '..'].includes(plain)) return 'not-encrypted';
  return { name: plain };
}

interface TreeTask {
  readonly source: string;
  readonly target: string;
  readonly options: EncryptFileOptions & DecryptFileOptions;
  readonly run: FileRun;
}

type Work<Done> = (task: TreeTask) => Promise<Done>;

function withOptions(keys: FileKeys, task: TreeTask, more: EncryptFileOptions = {}) {
  return { keys, ...task, options: { ...task.options, ...more } };
}

/**
 * Works on up to `jobs` of what is found at a time, and gives results as they come.
 *
 * @param prepare - Called before each file is begun; what it throws ends the run.
 * @yields {FileResult} One for each path.
 */
async function* inParallel<Done>(
  found: AsyncGenerator<Found>,
  options: EncryptFileOptions & DecryptFileOptions & TreeOptions,
  prepare: () => Promise<Work<Done>>,
): AsyncGenerator<FileResult<Done>, void, undefined> {
  const { jobs = DEFAULT_JOBS, signal } = options;
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > MAX_JOBS)
    throw new KeyStoreError('PARAMETER_INVALID', `jobs is 1 to ${MAX_JOBS}`);
  const run = new FileRun();
  using stop = stopWith(signal);
  const task = { run, options: { ...options, signal: stop.signal } };
  const underWay = new Set<Promise<void>>();
  const done: FileResult<Done>[] = [];
  const begin = (next: Found, work: Work<Done>) => {
    const collect = async () => {
      done.push(await outcome(next, task, work));
      underWay.delete(one);
    };
    const one = collect();
    underWay.add(one);
  };
  try {
    for (let more = true; more || underWay.size + done.length > 0;) {
      throwIfAborted(stop.signal);
      while (more && underWay.size + done.length < jobs) {
        const next = await found.next();
        if (next.done) more = false;
        else begin(next.value, next.value.type === 'file' ? await prepare() : unused);
      }
      if (done.length === 0 && underWay.size > 0) await Promise.race(underWay);
      for (const result of done.splice(0)) yield result;
    }
  } finally {
    stop.now();
    // Each removes what it wrote aside before the caller hears of the end.
    await Promise.all(underWay);
    await run.finish();
  }
}

/** Never fails: a failure is a result. */
async function outcome<Done>(
  found: Found,
  { run, options }: Pick<TreeTask, 'run' | 'options'>,
  work: Work<Done>,
): Promise<FileResult<Done>> {
  const { source } = found;
  switch (found.type) {
    case 'skipped':
      return { status: 'skipped', source, reason: found.reason };
    case 'failed':
      return { status: 'failed', source, error: asKeyStoreError(found.error) };
    case 'file': {
      const { target } = found;
      try {
        return {
          status: 'done',
          source,
          target,
          file: await work({ source, target, run, options }),
        };
      } catch (error) {
        return { status: 'failed', source, target, error: asKeyStoreError(error) };
      }
    }
  }
}

/** The caller's signal, and our own end. */
function stopWith(signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const now = () => controller.abort();
  signal?.addEventListener('abort', now);
  if (signal?.aborted) now();
  return {
    now,
    signal: controller.signal,
    [Symbol.dispose]: () => signal?.removeEventListener('abort', now),
  };
}

function unused(): never {
  throw new KeyStoreError('INTERNAL', 'no file, no work');
}

function asKeyStoreError(error: unknown): KeyStoreError {
  if (KeyStoreError.is(error)) return error;
  return new KeyStoreError('INTERNAL', error instanceof Error ? error.message : undefined);
}
