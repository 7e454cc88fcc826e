/**
 * What becomes of a file of vectors, entry by entry: each passes, or is out of scope for a reason. docs/VECTORS.md has a row for each file, which
 * `npm run docs:vectors` writes from these same tests.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeShared, sharedJson } from './shared.ts';

/** What became of one entry. What does not pass throws. */
export type Verdict =
  | { readonly passed: string }
  | { readonly outOfScope: string }
  | readonly Verdict[];

/** How often each thing happened. */
interface Account {
  readonly passed: Record<string, number>;
  readonly outOfScope: Record<string, number>;
}

/** Says of one entry what becomes of it, by the entry's kind alone: a fuller file of the same kinds is judged as well. */
export type Judge<Entry, File> = (entry: Entry, file: File) => Verdict | Promise<Verdict>;

/** The vectors that came from elsewhere, in ../shared; left out where they are not there. */
export function describeSharedVectors<Entry, File extends object = object>(
  name: string,
  judge: Judge<Entry, File>,
  entriesOf = (file: File): readonly Entry[] => (file as File & { vectors: Entry[] }).vectors,
): void {
  describeShared(name, () => {
    const file = sharedJson(`vectors/${name}`) as File;
    accountFor(name, () => takeAccount(entriesOf(file), (entry) => judge(entry, file)));
  });
}

/** The vectors that the project made, in test/vectors. */
export function describeOwnVectors<Entry, File extends object = object>(
  name: string,
  judge: Judge<Entry, File>,
): void {
  const url = new URL(`../vectors/${name}`, import.meta.url);
  const file = JSON.parse(readFileSync(url, 'utf8')) as File & { readonly tests: Entry[] };
  // oxlint-disable-next-line vitest/require-top-level-describe, vitest/valid-title -- the name of a file
  describe(name, () => {
    accountFor(name, () => takeAccount(file.tests, (entry) => judge(entry, file)));
  });
}

function accountFor(name: string, take: () => Promise<Account>): void {
  // oxlint-disable-next-line vitest/require-top-level-describe -- it stands for test
  test('each entry passes, or is out of scope for a reason, as docs/VECTORS.md says', async () => {
    const account = await take();
    expect(differencesOf(account, KEPT ? keep(name, account) : documented(name))).toEqual([]);
  }, 60_000);
}

async function takeAccount<Entry>(
  entries: readonly Entry[],
  judge: (entry: Entry) => Verdict | Promise<Verdict>,
): Promise<Account> {
  const account: Account = { passed: {}, outOfScope: {} };
  for (const entry of entries) {
    try {
      count(account, await judge(entry));
    } catch (error) {
      throw new Error(`of ${JSON.stringify(entry).slice(0, 300)}`, { cause: error });
    }
  }
  return account;
}

function count(account: Account, verdict: Verdict): void {
  if ('passed' in verdict) add(account.passed, verdict.passed);
  else if ('outOfScope' in verdict) add(account.outOfScope, verdict.outOfScope);
  else for (const part of verdict) count(account, part);
}

function add(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** A file with more entries than the page knows may have more of each, and nothing else. */
function differencesOf(account: Account, page: Account): string[] {
  const isSame = total(account) === total(page);
  return (['passed', 'outOfScope'] as const).flatMap((column) =>
    Object.keys({ ...account[column], ...page[column] }).flatMap((what) => {
      const [found, said] = [account[column][what] ?? 0, page[column][what] ?? 0];
      const isRight = isSame ? found === said : said > 0 && found >= said;
      return isRight ? [] : [`${column}: ${what}: ${found}, and ${said} on the page`];
    }),
  );
}

/** What scripts/vectors-doc.mjs makes the page of. */
function keep(name: string, account: Account): Account {
  writeFileSync(path.join(KEPT!, name), JSON.stringify(account));
  return account;
}

function total({ passed, outOfScope }: Account): number {
  return [passed, outOfScope].flatMap(Object.values<number>).reduce((sum, n) => sum + n, 0);
}

/** The row of docs/VECTORS.md: file, entries, passed, out of scope. */
function documented(name: string): Account {
  const rows = readFileSync(PAGE, 'utf8').split('\n');
  const row = rows.find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
  const [, , passed = '', outOfScope = ''] = row.split(' | ');
  return { passed: countsOf(passed), outOfScope: countsOf(outOfScope.replace(/ \|$/u, '')) };
}

function countsOf(cell: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const part of cell.split('; ')) {
    const [, times, what] = /^(\d+) (.+)$/u.exec(part) ?? [];
    if (what !== undefined) counts[what] = Number(times);
  }
  return counts;
}

/** A folder, in place of the comparison. */
const KEPT = process.env['KEYCASK_VECTORS_TO'];
const PAGE = fileURLToPath(new URL('../../docs/VECTORS.md', import.meta.url));
