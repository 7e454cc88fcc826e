/**
 * The journal of migrations: what a run has done, so that one that was killed goes on where it was.
 *
 *   <home>/migrations/id-key          32 random bytes: record ids are made with it
 *   <home>/migrations/<run>.journal   one JSON object a line, in the order in which it happened
 *
 * A key's record id is HMAC-SHA-256(id-key, SHA-256 of its blob), the first 16 bytes: the store takes an id once, so a blob becomes one
 * record however often a run is begun, killed and begun again. It is keyed because a plain hash of a PLAINTEXTKEYBLOB of 40 bits would tell
 * the key. Data files are in the journal with the hash of their plaintext: what is done, and still there, is not done again.
 */
import { createHmac, randomBytes, randomFillSync } from 'node:crypto';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { writeDurably } from '../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { readSmallFile } from '../platform/read-small-file.ts';

/** A line of a journal. */
export type JournalEntry =
  | { readonly event: 'begin'; readonly at: string; readonly roots: readonly string[] }
  | {
      readonly event: 'key';
      /** SHA-256 of the blob, where that tells nothing of the key. */
      readonly source: string;
      readonly id: string;
    }
  | ({ readonly event: 'data' } & MigratedData)
  | { readonly event: 'end'; readonly at: string };

/** A data file that was decrypted and encrypted again. */
export interface MigratedData {
  readonly source: string;
  /** Bytes and time of the source, as they were. */
  readonly size: number;
  readonly modified: number;
  readonly target: string;
  /** Plaintext bytes. */
  readonly bytes: number;
  /** SHA-256 of the plaintext, hex: of the old file and of the new one. */
  readonly sha256: string;
  /** Record id of the key that it was encrypted with. */
  readonly keyId: string;
  /** What the old file was decrypted with, and how sure that is: as in the report. */
  readonly cipher: string;
  readonly certainty: string;
}

export class Journal implements AsyncDisposable {
  /** Name of the run: `2026-11-22T09-30-00Z-1f2e3d4c`. */
  readonly run: string;
  readonly folder: string;
  readonly #file: FileHandle;
  readonly #idKey: SecretBytes;
  readonly #data: ReadonlyMap<string, MigratedData>;
  #lines: string[] = [];

  private constructor(parts: {
    run: string;
    folder: string;
    file: FileHandle;
    idKey: SecretBytes;
    data: ReadonlyMap<string, MigratedData>;
  }) {
    this.run = parts.run;
    this.folder = parts.folder;
    this.#file = parts.file;
    this.#idKey = parts.idKey;
    this.#data = parts.data;
  }

  /**
   * Begins a run, and reads what earlier ones did.
   *
   * @param folder - `<home>/migrations`; made where it is not there.
   * @throws KeyStoreError FILE_DAMAGED where the id-key has another length, and what reading and writing files throws.
   */
  static async begin(folder: string, roots: readonly string[], now: Date): Promise<Journal> {
    await withFsErrors(folder, () => makeFolder(folder, 0o700));
    const idKey = await readIdKey(folder);
    try {
      const data = await readData(folder);
      const at = now.toISOString();
      const run = `${at.slice(0, 19).replaceAll(':', '-')}Z-${randomBytes(4).toString('hex')}`;
      const path = join(folder, `${run}${ENDING}`);
      const file = await withFsErrors(path, () => open(path, 'ax', 0o600));
      const journal = new Journal({ run, folder, file, idKey, data });
      journal.write({ event: 'begin', at, roots });
      await journal.flush();
      return journal;
    } catch (error) {
      idKey.dispose();
      throw error;
    }
  }

  /** The id that the record of a blob has. */
  recordId(blobSha256: Uint8Array): Uint8Array {
    const mac = createHmac('sha256', this.#idKey.bytes).update(blobSha256).digest();
    return new Uint8Array(mac.subarray(0, RECORD_ID_LENGTH));
  }

  /** What an earlier run did with a data file, whether or not it is still so. */
  migrated(source: string, target: string): MigratedData | undefined {
    return this.#data.get(nameOf(source, target));
  }

  /** Notes what was done; {@link flush} makes it durable. */
  write(entry: JournalEntry): void {
    this.#lines.push(`${JSON.stringify(entry)}\n`);
  }

  /** Writes the notes, durably when the promise resolves. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    await withFsErrors(this.folder, async () => {
      await this.#file.appendFile(text);
      await this.#file.datasync();
    });
  }

  async close(): Promise<void> {
    this.#idKey.dispose();
    await this.flush();
    await this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Made once for a home; of two runs that begin at once, one makes it. */
async function readIdKey(folder: string): Promise<SecretBytes> {
  const path = join(folder, 'id-key');
  const present = await readSmallFile(path, ID_KEY_LENGTH);
  if (present === undefined) {
    using fresh = SecretBytes.random(ID_KEY_LENGTH, randomFillSync);
    try {
      await writeDurably(path, fresh.bytes, { place: 'create' });
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'FILE_EXISTS') throw error;
    }
    return readIdKey(folder);
  }
  if (present.length !== ID_KEY_LENGTH)
    throw new KeyStoreError('FILE_DAMAGED', `${path} does not have ${ID_KEY_LENGTH} bytes`);
  return SecretBytes.take(present);
}

/** The newest word on each data file. A line that a killed run left half written is none. */
async function readData(folder: string): Promise<ReadonlyMap<string, MigratedData>> {
  const data = new Map<string, MigratedData>();
  for (const name of (await listFolder(folder)).toSorted()) {
    if (!name.endsWith(ENDING)) continue;
    const bytes = await readSmallFile(join(folder, name), MAX_JOURNAL);
    // Lenient: a line that was cut within a character is none, and the others are.
    for (const line of Buffer.from(bytes ?? [])
      .toString('utf8')
      .split('\n')) {
      const entry = parse(line);
      if (entry?.event === 'data') data.set(nameOf(entry.source, entry.target), entry);
    }
  }
  return data;
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return [];
    throw error;
  }
}

function parse(line: string): JournalEntry | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as JournalEntry);
  } catch {
    return undefined;
  }
}

function nameOf(source: string, target: string): string {
  return `${source}\n${target}`;
}

const ENDING = '.journal';
const ID_KEY_LENGTH = 32;
const RECORD_ID_LENGTH = 16;
/** Some 2,000,000 data files. */
const MAX_JOURNAL = 1 << 29;
