/** Re-wrapping all records of a home, each once, by any number of processes that may be killed at any moment. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { equalBytes, toHex } from '../bytes/octets.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import type { WorkItem, WorkResult } from '../contracts/work-list.ts';
import { KeyStoreError } from '../errors.ts';
import type { ManifestedRecord, RecordToPut } from '../stores/manifest/manifested-store.ts';
import { codeOfRecord, workThrough } from './bulk-work.ts';
import type { Home } from './home.ts';
import { recipientsOf } from './keys.ts';
import type { ChangeAuthor } from './record-shelf.ts';
import { rewrapVerified } from './rewrap.ts';
import type { BulkRewrapOptions, BulkSummary, LongWorkOptions, StoreProgress } from './types.ts';

/**
 * Writes the next version of every record.
 *
 * A record that a process wrote and could not report any more is at a later version than when the job began, and as it should be: it is
 * not written again.
 *
 * @throws KeyStoreError PASSWORD_REQUIRED where the home was opened to list and verify only, WORK_NOT_FOUND, CANCELLED; STORE_CONFLICT where records change faster than they can be written.
 */
export async function rewrapEach(
  home: Home,
  options: BulkRewrapOptions = {},
): Promise<BulkSummary> {
  await home.refresh();
  return rewrap(home, await targetOf(home, options), 'rewrap', options);
}

/**
 * Re-wraps and re-signs every record that another than the current container signed or that is not wrapped for it.
 *
 * Can be interrupted and run again, and several processes of the home may do it together. A record that cannot be re-wrapped is told through
 * `onProgress`, and left.
 *
 * @returns How many were re-wrapped, by all of them.
 */
export async function rewrapAll(home: Home, options: LongWorkOptions = {}): Promise<number> {
  await home.refresh();
  const { done } = await rewrap(home, await targetOf(home, {}), 'rotate', options);
  return done;
}

/** What every record is to become. */
interface Target {
  readonly options: BulkRewrapOptions;
  readonly signer: Uint8Array;
  /** Key identifiers of exchange keys that are to be among the recipients. */
  readonly wanted: readonly Uint8Array[];
  /** Whether a record tells that it has become so: not of a password, and not where recipients are dropped by their places. */
  readonly isVisible: boolean;
}

async function rewrap(
  home: Home,
  target: Target,
  kind: 'rewrap' | 'rotate',
  { signal, onProgress, isJoining = false }: BulkRewrapOptions,
): Promise<BulkSummary> {
  const rewrapping = { target, kind, turns: new ComputingTurns() };
  const work = (items: readonly WorkItem[]): Promise<WorkResult[]> =>
    rewrapBatch(home, rewrapping, items);
  const atOnce = home.shelf.putVersions ? WRITTEN_AT_ONCE : 1;
  const task = { kind, aim: aimOf(target), atOnce, work };
  const options = { isJoining, ...(signal && { signal }) };
  if (!onProgress) return workThrough(home, task, options);
  return workThrough(
    home,
    {
      ...task,
      onResult: ({ id, outcome }, { done, total = done }) => {
        const state: StoreProgress['state'] = outcome === 'done' ? 'rewrapped' : outcome;
        onProgress({ done, total, id, state });
      },
    },
    options,
  );
}

interface Rewrapping {
  readonly target: Target;
  readonly kind: 'rewrap' | 'rotate';
  readonly turns: ComputingTurns;
}

/** Of two batches at once one is computed, so that less of both is lost when the process ends, and the other is read or written. */
class ComputingTurns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(compute: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(compute);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** All of them are written together; what somebody else changed meanwhile is looked at again. */
async function rewrapBatch(
  home: Home,
  rewrapping: Rewrapping,
  items: readonly WorkItem[],
): Promise<WorkResult[]> {
  const results: WorkResult[] = [];
  let left = items;
  for (let tries = 0; left.length > 0; tries++) {
    if (tries === MAX_TRIES) throw new KeyStoreError('STORE_CONFLICT');
    await home.refresh();
    // Begun before the records are read: where the container is rotated meanwhile, the shelf takes nothing of the old one.
    const author = await home.author();
    const read = await home.shelf.getIntact?.(left.map(({ id }) => id));
    const items = left;
    const next = await rewrapping.turns.take(() => nextVersions(home, rewrapping, items, read));
    const toPut = next.filter((each): each is RecordToPut => 'bytes' in each);
    for (const each of next) if ('outcome' in each) results.push(each);
    // Others have appended meanwhile: what is composed after an older state has to be composed and signed again.
    if (toPut.length > 0) await home.refresh();
    const lost = new Set(await putVersions(home, toPut, author));
    for (const { id } of toPut) if (!lost.has(id)) results.push({ id, outcome: 'done' });
    left = left.filter(({ id }) => lost.has(id));
  }
  return results;
}

/**
 * A few at a time. Between them others come to their turn: an append whose answer waits for all of this would be behind the log when it
 * gets on.
 */
// oxlint-disable-next-line max-params -- items, and what was read of them
async function nextVersions(
  home: Home,
  rewrapping: Rewrapping,
  items: readonly WorkItem[],
  read: readonly (ManifestedRecord | undefined)[] = [],
): Promise<(RecordToPut | WorkResult)[]> {
  const next: (RecordToPut | WorkResult)[] = [];
  for (let at = 0; at < items.length; at += COMPUTED_AT_ONCE) {
    const some = items.slice(at, at + COMPUTED_AT_ONCE);
    next.push(
      ...(await Promise.all(
        some.map((item, i) => nextVersion(home, rewrapping, item, read[at + i])),
      )),
    );
    await setImmediate();
  }
  return next;
}

/** What is to be written, or what became of the item without that. */
async function nextVersion(
  home: Home,
  { target, kind }: Rewrapping,
  { id, version }: WorkItem,
  read?: ManifestedRecord,
): Promise<RecordToPut | WorkResult> {
  try {
    const record = read ? home.verifyShelved(read) : await home.readRecord(id);
    const { recordVersion, label } = record.metadata;
    if (kind === 'rotate' && isAsWanted(record, target)) return { id, outcome: 'unchanged' };
    // Whoever claimed it before was killed between writing it and saying so.
    const isLater = recordVersion > version;
    if (isLater && (!target.isVisible || isAsWanted(record, target)))
      return { id, outcome: 'done' };
    const bytes = await rewrapVerified(home, record, target.options);
    return { id, version: recordVersion + 1, label, bytes };
  } catch (error) {
    const code = codeOfRecord(error);
    // Somebody removed it.
    return { id, outcome: code === 'KEY_NOT_FOUND' ? 'unchanged' : code };
  }
}

/** @returns Ids of those that another process changed since they were read. */
async function putVersions(
  home: Home,
  records: readonly RecordToPut[],
  author: ChangeAuthor,
): Promise<string[]> {
  if (records.length === 0) return [];
  const { shelf } = home;
  if (shelf.putVersions) {
    const won = await shelf.putVersions(records, author);
    return records.filter((_, i) => !won[i]).map(({ id }) => id);
  }
  const lost: string[] = [];
  for (const record of records) {
    try {
      await shelf.put(record, author);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT') throw error;
      lost.push(record.id);
    }
  }
  return lost;
}

async function targetOf(home: Home, options: BulkRewrapOptions): Promise<Target> {
  const { identity } = await home.container();
  const { toContainer, add, drop = [], addPassword } = options;
  const own = toContainer ? await home.openContainer(toContainer) : await home.container();
  const others = (await recipientsOf(add)).flatMap((recipient) =>
    'keyId' in recipient ? [recipient.keyId] : [],
  );
  return {
    options,
    signer: identity.keyId,
    wanted: [own.exchangeKeyId, ...others],
    isVisible: !addPassword && drop.every((named) => typeof named === 'string'),
  };
}

function isAsWanted(record: VerifiedKeyRecord, { signer, wanted, options }: Target): boolean {
  const ids = record.recipients.map((recipient) => 'keyId' in recipient && recipient.keyId);
  const has = (keyId: Uint8Array): boolean => ids.some((id) => id && equalBytes(id, keyId));
  // One's own key is wrapped for even where it is named to be dropped.
  const isWanted = (id: Uint8Array): boolean => wanted.some((keyId) => equalBytes(id, keyId));
  const dropped = (options.drop ?? []).map((named) => String(named).toLowerCase());
  return (
    equalBytes(record.parts.signer.keyId, signer) &&
    wanted.every(has) &&
    !ids.some((id) => id && !isWanted(id) && dropped.some((prefix) => toHex(id).startsWith(prefix)))
  );
}

/** Equal for equal work of one home; secrets are not in it. */
function aimOf({ signer, wanted, options }: Target): string {
  const { drop = [], addPassword, passwordKdf } = options;
  const parts = [
    toHex(signer),
    wanted.map(toHex).toSorted(),
    drop.map(String).toSorted(),
    addPassword ? (passwordKdf ?? 'argon2id') : '',
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Enough that claiming, writing and finishing cost little beside the work, few enough that little is done again when a process ends. */
const WRITTEN_AT_ONCE = 256;
/** One is signed on another thread while the next is unwrapped on this one, which does nothing else meanwhile. */
const COMPUTED_AT_ONCE = 2;
/** Each is somebody else who changed the same records. */
const MAX_TRIES = 100;
