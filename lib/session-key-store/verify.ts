/** Verifying the records of a home: those that the manifest lists, and those that lie in the store without being listed. */
import { KeyStoreError } from '../errors.ts';
import type { CheckSignature } from '../keys/signature.ts';
import { SignatureThreads } from '../keys/signature-threads.ts';
import type { ListedRecord, ManifestedRecord } from '../stores/manifest/manifested-store.ts';
import type { Home } from './home.ts';
import { listed, resolve } from './keys.ts';
import type { RecordShelf } from './record-shelf.ts';
import type { VerifyResult, VerifyStoredOptions } from './types.ts';

/** Checks all records, or one, against manifest, signature and form. Needs no private key. */
export async function* verifyRecords(
  home: Home,
  query?: string,
  options: VerifyStoredOptions = {},
): AsyncGenerator<VerifyResult, void, undefined> {
  await home.refresh();
  if (query === undefined) {
    yield* verifyListed(home, options);
    yield* verifyPlanted(home, options);
    return;
  }
  const { id, version, label } = await listed(home, await resolve(home, query));
  yield { id, version, label, ...(await findings(() => home.readRecord(id))) };
}

/**
 * Every record that the manifest lists, in its order, signatures on all cores. While the signatures of a page are verified the next page is read,
 * so memory is that of two pages, however many records there are.
 */
async function* verifyListed(
  home: Home,
  { signal, jobs }: VerifyStoredOptions,
): AsyncGenerator<VerifyResult, void, undefined> {
  await using threads = new SignatureThreads(jobs);
  let before: Promise<VerifyResult[]> | undefined;
  for await (const page of pagesOf(home.shelf.list())) {
    throwIfAborted(signal);
    const verified = await beginPage(home, threads.verify, page);
    if (before) yield* await before;
    before = verified.results;
    // It is waited for a page later; until then a failure is nobody's.
    before.catch(() => undefined);
  }
  throwIfAborted(signal);
  if (before) yield* await before;
}

/** Reads a page and begins to verify it. In an object: a promise that an async function returns would be waited for. */
async function beginPage(
  home: Home,
  check: CheckSignature,
  page: readonly ListedRecord[],
): Promise<{ readonly results: Promise<VerifyResult[]> }> {
  const records = await read(home, page);
  const results = page.map(async ({ id, version, label }, i): Promise<VerifyResult> => {
    const record = records[i];
    const found = await findings(() =>
      record ? home.verifyShelvedBy(check, record) : home.readRecord(id),
    );
    return { id, version, label, ...found };
  });
  return { results: Promise.all(results) };
}

/** Undefined where a record has to be read by itself, to hear what is wrong with it. */
async function read(
  { shelf }: Home,
  page: readonly ListedRecord[],
): Promise<(ManifestedRecord | undefined)[]> {
  const ids = page.map(({ id }) => id);
  if (shelf.getMany) return shelf.getMany(ids);
  const found: (ManifestedRecord | undefined)[] = [];
  for (let at = 0; at < ids.length; at += FILES)
    found.push(
      ...(await Promise.all(ids.slice(at, at + FILES).map((id) => getIfIntact(shelf, id)))),
    );
  return found;
}

async function getIfIntact(shelf: RecordShelf, id: string): Promise<ManifestedRecord | undefined> {
  try {
    return await shelf.get(id);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    return undefined;
  }
}

async function* verifyPlanted(
  home: Home,
  { signal }: VerifyStoredOptions,
): AsyncGenerator<VerifyResult, void, undefined> {
  for await (const { id, version, bytes } of home.shelf.planted()) {
    throwIfAborted(signal);
    yield { id, version, label: '', ...(await findings(() => explainPlanted(home, id, bytes))) };
  }
}

/** Nobody uses a record that the manifest does not list; but either somebody put it there, or the manifest is an old one. */
function explainPlanted(home: Home, id: string, bytes: Uint8Array): never {
  home.judge(id, bytes);
  throw new KeyStoreError(
    'MANIFEST_ROLLED_BACK',
    'the record is genuine, and the manifest does not list it',
  );
}

async function* pagesOf(
  records: AsyncIterable<ListedRecord>,
): AsyncGenerator<readonly ListedRecord[], void, undefined> {
  let page: ListedRecord[] = [];
  for await (const record of records) {
    page.push(record);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function findings(read: () => unknown): Promise<Pick<VerifyResult, 'state' | 'message'>> {
  try {
    await read();
    return { state: 'ok' };
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    return { state: error.code, message: error.message };
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new KeyStoreError('CANCELLED');
}

/** Records that are read together. */
const PAGE = 256;
/** Of a folder: so many files are open at once. */
const FILES = 16;
