/** Logs in files: what killed, late and meddling processes leave in the folder, and a folder that is restored while it is open. */
import { cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it, vi } from 'vitest';
import { equalBytes } from '../../../lib/bytes/octets.ts';
import { openFileLogStorage, type LogStorage } from '../../../lib/signed-log/index.ts';
import {
  decodeJournalEntry,
  encodeJournalEntry,
} from '../../../lib/signed-log/file/journal-entry.ts';
import { Journal } from '../../../lib/signed-log/file/journal.ts';
import { TEMPORARY_PREFIX } from '../../../lib/platform/durable-file.ts';
import { codeOfAsync } from '../../support/errors.ts';
import {
  AUTHOR,
  contentsOf,
  flipped,
  logOf,
  openLog,
  someLeaves,
} from '../../support/signed-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** It has access lists in place of modes. */
const isWindows = process.platform === 'win32';
/** More single appends than a journal has files. */
const APPENDS = 100;

interface FileLog {
  readonly path: string;
  readonly storage: LogStorage;
  readonly remove: () => Promise<void>;
}

/** A log whose leaves were appended one by one, so that most of them are settled. */
async function fileLog(count = APPENDS): Promise<FileLog> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'log');
  const storage = await openFileLogStorage(path);
  const { append } = await logOf([], storage);
  for (const leaf of someLeaves(count)) await append(leaf);
  return { path, storage, remove: () => folder.remove() };
}

const journalOf = async (path: string): Promise<string[]> =>
  (await readdir(join(path, 'journal'))).toSorted();
const nameOf = (sequence: number): string => `${String(sequence).padStart(15, '0')}.der`;
const expected = (count: number): string[] =>
  someLeaves(count).map((leaf) => new TextDecoder().decode(leaf));

describe('a log in files', () => {
  it('keeps the newest appends as files of their own, and everything else at its place', async () => {
    const { path, remove } = await fileLog();
    const names = await journalOf(path);
    expect(names.length).toBeLessThanOrEqual(65);
    expect(names.at(-1)).toBe(nameOf(APPENDS));
    const settled = APPENDS - names.length;
    expect((await stat(join(path, 'places'))).size).toBe(16 * settled);
    expect((await stat(join(path, 'level-0'))).size).toBe(32 * settled);
    expect((await readFile(join(path, 'leaves'))).toString()).toBe(expected(settled).join(''));
    expect((await readdir(path)).toSorted()).toEqual(['journal', 'leaves', 'level-0', 'places']);
    await remove();
  });

  it.skipIf(isWindows)('is readable by its owner alone', async () => {
    const { path, remove } = await fileLog(80);
    for (const name of ['leaves', 'places', 'level-0', `journal/${nameOf(80)}`])
      expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
    await remove();
  });

  it('makes its folder with the first append, and is empty without one', async () => {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'a', 'log');
    const { log, append } = await logOf([], await openFileLogStorage(path));
    expect(await readdir(folder.path)).toEqual([]);
    await append(...someLeaves(1));
    expect(await contentsOf(log)).toEqual(expected(1));
    await writeFile(join(folder.path, 'file'), '');
    expect(await codeOfAsync(openFileLogStorage(join(folder.path, 'file')))).toBe(
      'FILE_WRONG_TYPE',
    );
    await folder.remove();
  });

  it('is whole for a process that opens it, and for those that have it open while others settle', async () => {
    const { path, storage, remove } = await fileLog(60);
    const reader = await openLog(await openFileLogStorage(path));
    const writer = await openLog(storage);
    for (const leaf of someLeaves(140).slice(60)) await writer.append([leaf], AUTHOR);
    // It still knows files that have gone since.
    expect(await contentsOf(reader)).toEqual(expected(60));
    await reader.refresh();
    expect(await contentsOf(reader)).toEqual(expected(140));
    expect(await contentsOf(await openLog(await openFileLogStorage(path)))).toEqual(expected(140));
    await remove();
  });
});

describe('what killed processes leave', () => {
  it('beside the names of the journal is not looked at, and is swept once it is old', async () => {
    const { path, remove } = await fileLog(3);
    const temporary = join(path, 'journal', `${TEMPORARY_PREFIX}x`);
    await writeFile(temporary, 'half of an entry');
    expect((await openLog(await openFileLogStorage(path))).size).toBe(3);
    expect(await journalOf(path)).toHaveLength(4);
    const old = new Date(Date.now() - 7_200_000);
    await utimes(temporary, old, old);
    await openFileLogStorage(path);
    expect(await journalOf(path)).toHaveLength(3);
    await remove();
  });

  it('half settled is settled again', async () => {
    const { path, remove } = await fileLog(64);
    // Written in part, out of order, or not at all: the journal still has every entry.
    await writeFile(join(path, 'leaves'), 'leaf 0le');
    await writeFile(join(path, 'places'), new Uint8Array(16 * 40));
    await writeFile(join(path, 'level-0'), new Uint8Array(32 * 50).fill(7));
    const log = await openLog(await openFileLogStorage(path));
    expect(await contentsOf(log)).toEqual(expected(64));
    for (const leaf of someLeaves(70).slice(64)) await log.append([leaf], AUTHOR);
    expect((await journalOf(path)).length).toBeLessThan(20);
    expect(await contentsOf(await openLog(await openFileLogStorage(path)))).toEqual(expected(70));
    await remove();
  });

  it('cannot be settled for a while is not lost, and is settled later', async () => {
    const { path, storage, remove } = await fileLog(3);
    const log = await openLog(storage);
    await mkdir(join(path, 'level-0'));
    const leaves = someLeaves(300);
    let failed = 'none';
    for (let i = 3; failed === 'none'; i++)
      failed = await codeOfAsync(log.append([leaves[i]!], AUTHOR));
    // The journal is not let grow without end, and says what is in the way.
    expect(failed).toMatch(/^(FILE_WRONG_TYPE|IO_FAILED|PERMISSION_DENIED)$/);
    expect(log.size).toBe(257);
    expect(await contentsOf(await openLog(await openFileLogStorage(path)))).toEqual(expected(257));
    await rm(join(path, 'level-0'), { recursive: true });
    await log.append([leaves[257]!], AUTHOR);
    expect((await journalOf(path)).length).toBeLessThan(20);
    expect(await contentsOf(await openLog(await openFileLogStorage(path)))).toEqual(expected(258));
    await remove();
  });

  it('settled and not removed is not in the way', async () => {
    const { path, remove } = await fileLog(64);
    const kept = await temporaryFolder();
    await cp(join(path, 'journal'), kept.path, { recursive: true });
    const log = await openLog(await openFileLogStorage(path));
    for (const leaf of someLeaves(66).slice(64)) await log.append([leaf], AUTHOR);
    const names = await journalOf(path);
    // As after a power failure: some of them are back.
    for (const name of await readdir(kept.path))
      if (!names.includes(name) && !name.includes('3'))
        await cp(join(kept.path, name), join(path, 'journal', name));
    expect((await journalOf(path)).length).toBeGreaterThan(names.length);
    const again = await openLog(await openFileLogStorage(path));
    expect(await contentsOf(again)).toEqual(expected(66));
    for (const leaf of someLeaves(140).slice(66)) await again.append([leaf], AUTHOR);
    expect(await contentsOf(await openLog(await openFileLogStorage(path)))).toEqual(expected(140));
    expect((await journalOf(path))[0]).not.toBe(nameOf(1));
    await remove();
    await kept.remove();
  });
});

describe('a writer that comes too late', () => {
  /** An entry that once could have been number `sequence`, by another writer. */
  async function lateEntry(path: string, sequence: number): Promise<Uint8Array> {
    const der = new Uint8Array(await readFile(join(path, 'journal', nameOf(sequence))));
    return encodeJournalEntry({ ...decodeJournalEntry(der), nonce: new Uint8Array(16) });
  }

  it('and is killed before it finds out leaves a file that nobody believes', async () => {
    const { path, storage, remove } = await fileLog(60);
    const late = await lateEntry(path, 30);
    const next = await lateEntry(path, 57);
    const writer = await openLog(storage);
    for (const leaf of someLeaves(65).slice(60)) await writer.append([leaf], AUTHOR);
    const present = await journalOf(path);
    expect(present[0]).toBe(nameOf(58));
    for (const [sequence, bytes] of [
      [30, late],
      [57, next],
    ] as const) {
      await writeFile(join(path, 'journal', nameOf(sequence)), bytes);
      const log = await openLog(await openFileLogStorage(path));
      expect(await contentsOf(log)).toEqual(expected(65));
      await writer.refresh();
      expect(await contentsOf(writer)).toEqual(expected(65));
    }
    for (const leaf of someLeaves(130).slice(65)) await writer.append([leaf], AUTHOR);
    expect((await journalOf(path))[0]! > nameOf(58)).toBe(true);
    await remove();
  });

  /** What others do in the moment before, or after, the next entry is linked. */
  function whileLinking(when: 'before' | 'after', others: () => Promise<void>): void {
    // oxlint-disable-next-line typescript/unbound-method -- called on its own object below
    const { link } = Journal.prototype;
    vi.spyOn(Journal.prototype, 'link').mockImplementationOnce(async function (
      this: Journal,
      entry,
    ) {
      if (when === 'before') await others();
      const digest = await link.call(this, entry);
      if (when === 'after') await others();
      return digest;
    });
  }

  it.each([1, 63, 90])('loses where others have appended %d times meanwhile', async (count) => {
    const { path, remove } = await fileLog(3);
    const late = await openFileLogStorage(path);
    const after = (await late.head())!;
    const nodes = Array.from({ length: 6 }, (_, level) => new Uint8Array(level === 0 ? 32 : 0));
    const leaves = someLeaves(1, 'late');
    const writer = await openLog(await openFileLogStorage(path));
    whileLinking('before', async () => {
      for (const leaf of someLeaves(3 + count).slice(3)) await writer.append([leaf], AUTHOR);
    });
    const appending = late.append({ after, leaves, nodes, checkpoint: Uint8Array.of(1) });
    expect(await codeOfAsync(appending)).toBe('STORE_CONFLICT');
    // That of number 4 is the other's, as long as it is not settled.
    expect((await journalOf(path)).includes(nameOf(4))).toBe(count < 60);
    expect(await contentsOf(await openLog(late))).toEqual(expected(3 + count));
    expect(await contentsOf(await openLog(await openFileLogStorage(path)))).toEqual(
      expected(3 + count),
    );
    await remove();
  });

  it.each([1, 63, 90])('has won where others have gone on %d times from it', async (count) => {
    const { path, storage, remove } = await fileLog(3);
    const late = await openLog(storage);
    const writer = await openLog(await openFileLogStorage(path));
    whileLinking('after', async () => {
      for (const leaf of someLeaves(4 + count).slice(4)) await writer.append([leaf], AUTHOR);
    });
    expect(await late.append(someLeaves(4).slice(3), AUTHOR)).toMatchObject({ index: 3 });
    await late.refresh();
    expect(await contentsOf(late)).toEqual(expected(4 + count));
    await remove();
  });
});

describe('a folder that somebody meddled with', () => {
  it('without its newest files is shorter, which is for the follower to notice', async () => {
    const { path, storage, remove } = await fileLog(20);
    const log = await openLog(storage);
    await rm(join(path, 'journal', nameOf(20)));
    expect(await codeOfAsync(log.refresh())).toBe('LOG_REWOUND');
    expect((await openLog(await openFileLogStorage(path))).size).toBe(19);
    await remove();
  });

  it('without its journal, or without files, is truncated', async () => {
    const { path, remove } = await fileLog();
    const open = async () => contentsOf(await openLog(await openFileLogStorage(path)));
    const kept = await temporaryFolder();
    await cp(path, kept.path, { recursive: true });
    const broken = ['journal', 'leaves', 'places', 'level-0', `journal/${nameOf(APPENDS - 1)}`];
    for (const name of broken) {
      await rm(join(path, name), { recursive: true });
      expect(await codeOfAsync(open())).toBe('LOG_TRUNCATED');
      await rm(path, { recursive: true });
      await cp(kept.path, path, { recursive: true });
    }
    for (const name of ['leaves', 'places', 'level-0']) {
      const bytes = await readFile(join(path, name));
      await writeFile(join(path, name), bytes.subarray(0, -1));
      expect(await codeOfAsync(open())).toBe('LOG_TRUNCATED');
      await writeFile(join(path, name), bytes);
    }
    expect(await open()).toEqual(expected(APPENDS));
    await remove();
    await kept.remove();
  });

  it('with one bit changed anywhere is noticed by whoever reads it all', async () => {
    const { path, remove } = await fileLog(70);
    const open = async () => contentsOf(await openLog(await openFileLogStorage(path)));
    const names = await journalOf(path);
    for (const name of ['leaves', 'level-0', ...names.map((one) => join('journal', one))]) {
      const bytes = new Uint8Array(await readFile(join(path, name)));
      for (let i = 0; i < 6; i++) {
        await writeFile(
          join(path, name),
          flipped(bytes, Math.floor(((i + 0.5) * bytes.length * 8) / 6)),
        );
        // What is changed in the newest file besides the log itself (its number, its nonce) is nobody's loss.
        const isNewest = name.endsWith(names.at(-1)!);
        expect(await codeOfAsync(open())).toMatch(
          isNewest ? /^(LOG|BLOB)_|^none$/ : /^(LOG|BLOB)_/,
        );
      }
      await writeFile(join(path, name), bytes);
    }
    const places = new Uint8Array(await readFile(join(path, 'places')));
    await writeFile(join(path, 'places'), flipped(places, 0));
    expect(await codeOfAsync(open())).toBe('LOG_DAMAGED');
    await remove();
  });

  it('with a folder or a long file in place of an entry says so', async () => {
    const { path, remove } = await fileLog(3);
    await mkdir(join(path, 'journal', nameOf(4)));
    expect(await codeOfAsync(openFileLogStorage(path))).toBe('FILE_WRONG_TYPE');
    await rm(join(path, 'journal', nameOf(4)), { recursive: true });
    await writeFile(join(path, 'journal', nameOf(4)), 'no entry');
    expect(await codeOfAsync(openFileLogStorage(path))).toBe('LOG_DAMAGED');
    await writeFile(join(path, 'journal', nameOf(4)), new Uint8Array(5 << 20));
    expect(await codeOfAsync(openFileLogStorage(path))).toBe('BLOB_TOO_LARGE');
    await remove();
  });

  it('restored from a backup while it is open is noticed, and never written over', async () => {
    const { path, storage, remove } = await fileLog(20);
    const backup = await temporaryFolder();
    await cp(path, backup.path, { recursive: true });
    const log = await openLog(storage);
    for (const leaf of someLeaves(5, 'given up')) await log.append([leaf], AUTHOR);
    await rm(path, { recursive: true });
    await cp(backup.path, path, { recursive: true });
    // Another process accepts it, and goes on to the same number of entries.
    const other = await openLog(await openFileLogStorage(path));
    for (const leaf of someLeaves(5, 'another')) await other.append([leaf], AUTHOR);
    expect(await codeOfAsync(log.append(someLeaves(1), AUTHOR))).toBe('LOG_REWOUND');
    expect(await codeOfAsync(log.refresh())).toBe('LOG_REWOUND');
    await other.refresh();
    expect(other.size).toBe(25);
    expect(equalBytes((await log.accept())!.bytes, other.checkpoint!.bytes)).toBe(false);
    expect((await contentsOf(log)).slice(-1)).toEqual(['another 4']);
    await remove();
    await backup.remove();
  });
});
