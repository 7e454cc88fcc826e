/**
 * migrateData: one file of old ciphertext becomes a `.cask` file. The plaintext goes from one cipher to the other and never to a disk.
 *
 * Proof: the new file is read back, and its plaintext has the hash of what the old key gave.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { decryptStream, encryptStream, FILE_ENDING } from '../encrypt-file.ts';
import type { FileKey } from '../contracts/file-keys.ts';
import { KeyStoreError } from '../errors.ts';
import type { CapiKey } from '../legacy/capi-key.ts';
import { openCapiDecryptor } from '../legacy/cipher.ts';
import { syncDirectory, temporaryName, unlinkIfThere } from '../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import type { SessionKeyStore } from '../session-key-store.ts';
import type { DataFile } from './data-files.ts';
import type { Journal } from './journal.ts';
import type { MigratedDataFile } from './report.ts';
import { searchCipher, type CipherFinding } from './search-cipher.ts';
import { isBelow } from './source-files.ts';

export interface DataWork {
  readonly store: SessionKeyStore;
  readonly journal: Journal;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Where the new files go, mirrored below the roots. */
  readonly dataFolder: string;
  readonly roots: readonly string[];
  readonly key: CapiKey;
  /** Record id of that key; undefined in a dry run. */
  readonly oldKeyId: string | undefined;
  /** Where the blob ends in its own file. */
  readonly blobEnd: number;
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
 * @throws KeyStoreError LEGACY_DECRYPTION_FAILED where nothing that was tried gives plaintext; FILE_EXISTS where the target is there and no run
 *   made it; what reading, writing and the store throw.
 */
export async function migrateData(
  { item, place, parameters }: DataFile,
  work: DataWork,
): Promise<MigratedDataFile | undefined> {
  const start = place === 'behind' ? work.blobEnd : 0;
  const source: Ciphertext = { path: item.path, start, size: item.size - start };
  if (source.size <= 0) return undefined;
  const target = targetOf(item.path, work);
  const known = work.journal.migrated(item.path, target);
  if (known?.size === item.size && known.modified === item.modified && (await isThere(target)))
    return { ...factsOf(item.path, target, work), ...presentFacts(known), state: 'present' };
  const found = await searchCipher(work.key, await sampleOf(source), parameters);
  try {
    const best = chosen(found);
    const cipher = { cipher: best.text, certainty: best.certainty };
    const facts = { ...factsOf(item.path, target, work), ...cipher };
    if (work.dryRun === true) {
      const { bytes, sha256 } = await drain(plaintextOf(source, best));
      return { ...facts, bytes, sha256, state: 'opens' };
    }
    const fileKey = await work.fileKey();
    const { bytes, sha256 } = await writeNewFile({ source, target, fileKey }, best, work);
    const newKeyId = fileKey.key.id;
    const { size, modified } = item;
    work.journal.write({
      event: 'data',
      source: item.path,
      size,
      modified,
      target,
      bytes,
      sha256,
      keyId: newKeyId,
      ...cipher,
    });
    await work.journal.flush();
    return { ...facts, bytes, sha256, newKeyId, state: 'encrypted' };
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

/** The best; one of several that nothing tells apart would be a guess. */
function chosen(found: readonly CipherFinding[]): CipherFinding {
  const [best, second] = found;
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

/** Below the data folder as it lies below its root. */
function targetOf(path: string, { roots, dataFolder }: DataWork): string {
  const root = roots.find((candidate) => isBelow(path, candidate));
  const below = root === undefined ? basename(path) : relative(root, path);
  return join(dataFolder, `${below}${FILE_ENDING}`);
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
    const file = await open(path, 'r');
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
): AsyncGenerator<Uint8Array, void, undefined> {
  using decryptor = await openCapiDecryptor(key, options);
  const stream = createReadStream(path, { start, highWaterMark: CHUNK });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
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
  readonly fileKey: FileKey;
}

/** Written aside, read back, and then given its name. */
async function writeNewFile(
  { source, target, fileKey }: NewFile,
  finding: CipherFinding,
  { store, signal }: DataWork,
): Promise<Digest> {
  const temporary = temporaryName(target);
  const abort = signal === undefined ? {} : { signal };
  return withFsErrors(target, async () => {
    await makeFolder(dirname(target));
    try {
      let old: Digest | undefined;
      const plaintext = hashed(plaintextOf(source, finding), (digest) => (old = digest));
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
      await linkTo(temporary, target);
      return old;
    } finally {
      await unlinkIfThere(temporary);
      await syncDirectory(dirname(target));
    }
  });
}

async function linkTo(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (!isFsError(error, 'EEXIST')) throw error;
    throw new KeyStoreError(
      'FILE_EXISTS',
      `${target} is there already, and no earlier run made it`,
      {
        hint: 'Name another folder with --data, or move that file away.',
      },
    );
  }
}

const SAMPLE = 1 << 16;
const CHUNK = 1 << 20;
const LONGEST_BLOCK = 16;
/** Whoever could read the old file is not asked: the new one is its owner's. */
const MODE = 0o600;
