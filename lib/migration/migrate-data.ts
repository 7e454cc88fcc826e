/**
 * migrateData: one file of old ciphertext becomes a `.cask` file. The plaintext goes from one cipher to the other and never to a disk.
 *
 * Proof: the new file is read back, and its plaintext has the hash of what the old key gave.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { decryptStream, encryptStream, FILE_ENDING } from '../encrypt-file.ts';
import type { FileKey } from '../contracts/file-keys.ts';
import { KeyStoreError } from '../errors.ts';
import type { CapiKey } from '../legacy/capi-key.ts';
import { openCapiDecryptor } from '../legacy/cipher.ts';
import { syncDirectory, temporaryName, unlinkIfThere } from '../platform/durable-file.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { giveName } from '../platform/give-name.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { openRegular } from '../platform/open-regular.ts';
import type { SessionKeyStore } from '../session-key-store.ts';
import type { DataFile } from './data-files.ts';
import type { Journal, MigratedData } from './journal.ts';
import type { MigratedDataFile } from './report.ts';
import { searchCipher, type CipherFinding } from './search-cipher.ts';
import { isBelow } from './source-files.ts';

export interface DataWork {
  readonly store: SessionKeyStore;
  readonly journal: Journal;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Where the new files go, mirrored. */
  readonly dataFolder: string;
  /** The roots that are folders. */
  readonly folders: readonly string[];
  readonly key: CapiKey;
  /** Record id of that key; undefined in a dry run. */
  readonly oldKeyId: string | undefined;
  /** Where the blob ends in its own file. */
  readonly blobEnd: number;
  /** Which file each new file is made of. */
  readonly targets: Map<string, string>;
  /** The key of all new files; asked for when the first is written. */
  readonly fileKey: () => Promise<FileKey>;
}

/** A place in a file. */
interface Ciphertext {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

/**
 * Encrypts a data file again.
 *
 * @returns Undefined where there is no ciphertext behind the blob.
 * @throws KeyStoreError LEGACY_DECRYPTION_FAILED where nothing that was tried gives plaintext; FILE_EXISTS where the target is there and holds
 *   something else; what reading, writing and the store throw.
 */
export async function migrateData(
  { item, place, parameters, isContested }: DataFile,
  work: DataWork,
): Promise<MigratedDataFile | undefined> {
  const start = place === 'behind' ? work.blobEnd : 0;
  const source: Ciphertext = { path: item.path, start, size: item.size - start };
  if (source.size <= 0) return undefined;
  const target = targetOf(item.path, work);
  const known = work.journal.migrated(item.path, target);
  const isKnown = known?.size === item.size && known.modified === item.modified;
  // Which of several keys it was is not in the journal.
  if (isKnown && !isContested && (await isThere(target)))
    return { ...factsOf(item.path, target, work), ...presentFacts(known), state: 'present' };
  const found = await searchCipher(work.key, await sampleOf(source), parameters);
  try {
    const best = chosen(found, isContested);
    refuseTaken(target, item.path, work);
    const cipher = { cipher: best.text, certainty: best.certainty };
    const facts = { ...factsOf(item.path, target, work), ...cipher };
    if (work.dryRun === true) {
      const { bytes, sha256 } = await drain(plaintextOf(source, best, work));
      return { ...facts, bytes, sha256, state: 'opens' };
    }
    const { bytes, sha256, keyId, state } = await writeOrCompare({ source, target }, best, work);
    const { size, modified } = item;
    work.journal.write({
      event: 'data',
      source: item.path,
      size,
      modified,
      target,
      bytes,
      sha256,
      keyId,
      ...cipher,
    });
    await work.journal.flush();
    return { ...facts, bytes, sha256, newKeyId: keyId, state };
  } finally {
    for (const finding of found) finding[Symbol.dispose]();
  }
}

function factsOf(path: string, target: string, { oldKeyId }: DataWork) {
  return { path, target, ...(oldKeyId !== undefined && { oldKeyId }) };
}

function presentFacts(known: NonNullable<ReturnType<Journal['migrated']>>) {
  const { bytes, sha256, cipher, certainty, keyId: newKeyId } = known;
  return { bytes, sha256, cipher, certainty, newKeyId };
}

/** The best; one of several that nothing tells apart would be a guess, of keys as of parameters. */
function chosen(found: readonly CipherFinding[], isContested: boolean): CipherFinding {
  const [best, second] = found;
  if (isContested && best !== undefined && !CERTAIN.has(best.certainty))
    throw new KeyStoreError(
      'LEGACY_DECRYPTION_FAILED',
      'several keys have its name, and nothing tells which of them is right',
      { hint: 'Say in a data map which key it has (--data-map).' },
    );
  // Its first block would be noise in the new file, and the old one be thought of as done.
  if (best?.firstBlock === 'garbled')
    throw new KeyStoreError(
      'LEGACY_DECRYPTION_FAILED',
      'all but the first block comes out: it was encrypted with another IV',
      {
        hint: 'Say the IV in a data map (--data-map). Where it was stored in front of the data, `keycask diagnose` shows it.',
      },
    );
  if (best && (best.certainty !== 'none' || second === undefined)) return best;
  throw new KeyStoreError(
    'LEGACY_DECRYPTION_FAILED',
    'no cipher parameters give plaintext that can be recognised',
    {
      hint: 'Ask `keycask diagnose` with a piece of known plaintext, and say mode, IV and salt in a data map (--data-map).',
    },
  );
}

/** Of two folders with a file of the same name only one can have the new name. */
function refuseTaken(target: string, path: string, { targets }: DataWork): void {
  const other = targets.get(target);
  if (other !== undefined && other !== path)
    throw new KeyStoreError('FILE_EXISTS', `${target} is what ${other} becomes`, {
      hint: 'Migrate the folders of one name one after the other, each with a --data of its own.',
    });
  targets.set(target, path);
}

/** Below the data folder as it lies below its root; of several folders each has one of its own there, with its last name. */
function targetOf(path: string, { folders, dataFolder }: DataWork): string {
  const folder = folders.find((candidate) => isBelow(path, candidate));
  if (folder === undefined) return join(dataFolder, `${basename(path)}${FILE_ENDING}`);
  const own = folders.length > 1 ? basename(resolve(folder)) : '';
  return join(dataFolder, own, `${relative(folder, path)}${FILE_ENDING}`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Both ends of it: what is in between decides nothing. */
async function sampleOf({ path, start, size }: Ciphertext) {
  return withFsErrors(path, async () => {
    const file = await openRegular(path);
    try {
      const head = new Uint8Array(Math.min(size, SAMPLE));
      await file.read(head, 0, head.length, start);
      const rest = Math.min(size, SAMPLE);
      // On a block's boundary.
      const from = Math.floor((size - rest) / LONGEST_BLOCK) * LONGEST_BLOCK;
      const tail = new Uint8Array(size - from);
      await file.read(tail, 0, tail.length, start + from);
      return { head, tail, size };
    } finally {
      await file.close();
    }
  });
}

/** @yields {Uint8Array} Plaintext, in arrays of their own: whoever encrypts it reads ahead. */
async function* plaintextOf(
  { path, start }: Ciphertext,
  { key, options }: CipherFinding,
  { signal }: DataWork,
): AsyncGenerator<Uint8Array, void, undefined> {
  using decryptor = await openCapiDecryptor(key, options);
  const file = await openRegular(path);
  // It closes the file.
  const stream = file.createReadStream({ start, highWaterMark: CHUNK });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (signal?.aborted === true) throw new KeyStoreError('CANCELLED');
      const plaintext = decryptor.update(chunk);
      if (plaintext.length > 0) yield plaintext;
    }
    const last = decryptor.final();
    if (last.length > 0) yield last;
  } finally {
    stream.destroy();
  }
}

interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Passes on, and hashes what passes. */
async function* hashed(
  parts: AsyncIterable<Uint8Array>,
  tell: (digest: Digest) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of parts) {
    hash.update(part);
    bytes += part.length;
    yield part;
  }
  tell({ bytes, sha256: hash.digest('hex') });
}

async function drain(parts: AsyncIterable<Uint8Array>): Promise<Digest> {
  let digest: Digest | undefined;
  // oxlint-disable-next-line no-empty -- what it comes to is told at the end
  for await (const _ of hashed(parts, (told) => (digest = told))) {
  }
  return digest!;
}

interface NewFile {
  readonly source: Ciphertext;
  readonly target: string;
}

type Made = Digest & Pick<MigratedData, 'keyId'> & { readonly state: 'encrypted' | 'present' };

/** A file that is there already may be of another run: one at the same time, or one that knew the folders by other names. */
async function writeOrCompare(
  file: NewFile,
  finding: CipherFinding,
  work: DataWork,
): Promise<Made> {
  if (!(await isThere(file.target))) {
    const fileKey = await work.fileKey();
    const written = await writeNewFile({ ...file, fileKey }, finding, work);
    if (written) return { ...written, keyId: fileKey.key.id, state: 'encrypted' };
  }
  const { source, target } = file;
  const wanted = await drain(plaintextOf(source, finding, work));
  const present = await contentsOf(target, work);
  if (present?.sha256 !== wanted.sha256)
    throw new KeyStoreError(
      'FILE_EXISTS',
      `${target} is there already, and does not hold what this file does`,
      { hint: 'Name another folder with --data, or move that file away.' },
    );
  return { ...wanted, keyId: present.keyId, state: 'present' };
}

/** Undefined for what this home does not decrypt. */
async function contentsOf(
  target: string,
  { store, signal }: DataWork,
): Promise<(Digest & Pick<MigratedData, 'keyId'>) | undefined> {
  let keyId = '';
  const options = {
    onOpened: (opened: { readonly keyId: string }) => (keyId = opened.keyId),
    ...(signal && { signal }),
  };
  try {
    const file = await openRegular(target);
    const digest = await drain(decryptStream(store, file.createReadStream(), options));
    return { ...digest, keyId };
  } catch (error) {
    if (KeyStoreError.is(error) && error.code !== 'CANCELLED') return undefined;
    throw error;
  }
}

/**
 * Written aside, read back, and then given its name.
 *
 * @returns Undefined where something got the name meanwhile.
 */
async function writeNewFile(
  { source, target, fileKey }: NewFile & { readonly fileKey: FileKey },
  finding: CipherFinding,
  work: DataWork,
): Promise<Digest | undefined> {
  const { store, signal } = work;
  const temporary = temporaryName(target);
  const abort = signal === undefined ? {} : { signal };
  return withFsErrors(target, async () => {
    await makeFolder(dirname(target));
    try {
      let old: Digest | undefined;
      const plaintext = hashed(plaintextOf(source, finding, work), (digest) => (old = digest));
      const file = await open(temporary, 'wx', MODE);
      try {
        for await (const part of encryptStream(store, plaintext, { fileKey, ...abort }))
          await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
      const again = await drain(decryptStream(store, createReadStream(temporary), abort));
      if (!old || again.sha256 !== old.sha256)
        throw new KeyStoreError('FILE_DAMAGED', `${target} does not hold what was encrypted`);
      return (await giveName(temporary, target)) ? old : undefined;
    } finally {
      await unlinkIfThere(temporary);
      await syncDirectory(dirname(target));
    }
  });
}

/** What tells the right one of several keys: the padding fits one wrong key of 256. */
const CERTAIN: ReadonlySet<string> = new Set(['known-plaintext', 'recognised-content']);
const SAMPLE = 1 << 16;
const CHUNK = 1 << 20;
const LONGEST_BLOCK = 16;
/** Whoever could read the old file is not asked: the new one is its owner's. */
const MODE = 0o600;
