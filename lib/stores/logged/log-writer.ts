/**
 * Appends changes to the log over records: signs leaves, each over the state that it makes, and has records and map nodes written with them.
 *
 * Changes that are asked for while the archive is busy go together: puts of different records share a leaf, leaves share a checkpoint and
 * one transaction. Where another process appended first, all is made anew after its leaves.
 */
import { setTimeout } from 'node:timers/promises';
import { equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { MapDraft } from '../../merkle-map/map-draft.ts';
import type { MerkleMap } from '../../merkle-map/merkle-map.ts';
import type { AlongRecord } from '../../signed-log/log-storage.ts';
import type { SignedLog } from '../../signed-log/signed-log.ts';
import { MAX_PUTS, type ManifestChange } from '../manifest/manifest-change.ts';
import type { LogTracker } from './log-tracker.ts';
import type { LoggedState } from './logged-state.ts';
import { signLoggedLeaf, type LoggedLeaf } from './logged-leaf.ts';
import { applyChange, problemsOfPuts } from './map-changes.ts';
import type { LogRequest, RecordToLog } from './request-queue.ts';

/** What is written, and by which home. */
export interface WriterOptions {
  readonly log: SignedLog;
  readonly map: MerkleMap;
  readonly tracker: LogTracker;
  readonly storeId: Uint8Array;
  readonly homeId: Uint8Array;
}

/** Appends that lost so many races in a row wait for something that is not a race. */
const MAX_RACES = 10_000;
const LONGEST_BACKOFF_MS = 32;

/** Requests as they would be appended after a state. */
interface Composed {
  readonly before: LoggedState;
  readonly draft: MapDraft;
  readonly leaves: readonly LoggedLeaf[];
  readonly records: readonly AlongRecord[];
  /** For each request that is a put, for each of its records why it does not fit; for another, one such answer. */
  readonly problems: readonly (readonly (string | undefined)[])[];
}

/**
 * Appends requests of one author.
 *
 * @returns For each request, for each of its records (one answer where it has none) why it was not appended; undefined where it was.
 * @throws KeyStoreError STORE_CONFLICT where the author is not in force, or the log changes faster than it can be read.
 * @throws KeyStoreError what signing, following the log and the archive's append throw.
 */
export async function appendRequests(
  requests: readonly LogRequest[],
  options: WriterOptions,
): Promise<readonly (readonly (string | undefined)[])[]> {
  const { log, tracker } = options;
  const { identity, clock } = requests[0]!;
  for (let races = 0; races < MAX_RACES; races++) {
    const composed = await composeUpToDate(requests, options);
    const { before, draft, leaves, records, problems } = composed;
    if (leaves.length === 0) return problems;
    const size = before.head.index;
    const along = { records, mapNodes: draft.nodes() };
    try {
      const bytes = leaves.map(({ der }) => der);
      const { checkpoint } = await log.append(bytes, { identity, clock }, { size, along });
      const head = { index: checkpoint.size, hash: checkpoint.root };
      tracker.advance({ ...before, head, mapRoot: draft.root, ...trustOf(before, leaves) }, draft);
      return problems;
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT') throw error;
      await setTimeout(Math.random() * Math.min(2 ** races, LONGEST_BACKOFF_MS));
    }
  }
  throw new KeyStoreError('STORE_CONFLICT', 'the log changes faster than it can be read');
}

/** What does not fit may only not fit yet: then the log is read again before that is said. */
async function composeUpToDate(
  requests: readonly LogRequest[],
  options: WriterOptions,
): Promise<Composed> {
  const { log, tracker } = options;
  for (;;) {
    const before = tracker.state;
    const isOurs = await isInForce(requests[0]!, tracker);
    const composed = isOurs && (await compose(requests, before, options));
    if (composed && composed.problems.flat().every((problem) => problem === undefined))
      return composed;
    await log.refresh();
    if (tracker.state.head.index !== before.head.index) continue;
    if (composed) return composed;
    throw new KeyStoreError('STORE_CONFLICT', 'another process rotated the container');
  }
}

async function isInForce({ identity }: LogRequest, tracker: LogTracker): Promise<boolean> {
  const { current } = await tracker.anchor();
  return equalBytes(current.keyId, identity.keyId);
}

async function compose(
  requests: readonly LogRequest[],
  before: LoggedState,
  options: WriterOptions,
): Promise<Composed> {
  const composer = new Composer(before, options, requests[0]!);
  const problems: (readonly (string | undefined)[])[] = [];
  for (const request of requests) {
    const { change } = request;
    if (change.kind === 'put') problems.push(await composer.put(change.records));
    else problems.push([await composer.change(change)]);
  }
  await composer.flush();
  const { draft, leaves, records } = composer;
  return { before, draft, leaves, records, problems };
}

/** Makes leaves one after another. */
class Composer {
  readonly draft: MapDraft;
  readonly leaves: LoggedLeaf[] = [];
  readonly #records = new Map<string, AlongRecord>();
  readonly #before: LoggedState;
  readonly #options: WriterOptions;
  readonly #author: LogRequest;
  /** Records that are to share the next leaf. */
  readonly #group = new Map<string, RecordToLog>();

  constructor(before: LoggedState, options: WriterOptions, author: LogRequest) {
    this.draft = options.map.edit(before.mapRoot);
    this.#before = before;
    this.#options = options;
    this.#author = author;
  }

  /** As they are after all of the leaves. */
  get records(): AlongRecord[] {
    return [...this.#records.values()];
  }

  async put(records: readonly RecordToLog[]): Promise<(string | undefined)[]> {
    if (records.some(({ id }) => this.#group.has(id))) await this.flush();
    // Of an id that is in the group nothing is asked: what the draft says of the others holds whatever the group has.
    const problems = await problemsOfPuts(this.draft, records);
    for (const [i, record] of records.entries()) {
      if (problems[i] !== undefined) continue;
      if (this.#group.size === MAX_PUTS) await this.flush();
      this.#group.set(record.id, record);
      const { id, version, bytes } = record;
      this.#records.set(id, { id, version, bytes });
    }
    return problems;
  }

  async change(change: ManifestChange): Promise<string | undefined> {
    await this.flush();
    const problem = await this.#apply(change);
    if (problem === undefined && change.kind === 'delete') {
      const { id, version } = change;
      this.#records.set(id, { id, version, bytes: undefined });
    }
    return problem;
  }

  async flush(): Promise<void> {
    const records = [...this.#group.values()];
    this.#group.clear();
    const [first] = records;
    if (!first) return;
    const change: ManifestChange =
      records.length === 1 ? { kind: 'put', ...first } : { kind: 'puts', records };
    const problem = await this.#apply(change);
    if (problem !== undefined) throw new KeyStoreError('INTERNAL', problem);
  }

  async #apply(change: ManifestChange): Promise<string | undefined> {
    const { storeId, homeId } = this.#options;
    const index = this.#before.head.index + this.leaves.length + 1;
    const problem = await applyChange(this.draft, change, { homeId, index });
    if (problem !== undefined) return problem;
    const { identity, clock } = this.#author;
    const fields = { storeId, homeId, change, state: this.draft.root };
    this.leaves.push(await signLoggedLeaf(identity, fields, clock()));
    return undefined;
  }
}

/** The trust of the home after leaves of its own. */
function trustOf(
  before: LoggedState,
  leaves: readonly LoggedLeaf[],
): Pick<LoggedState, 'trust' | 'trustIndexes'> {
  let { trust, trustIndexes } = before;
  for (const [i, { change }] of leaves.entries()) {
    if (change.kind !== 'trust') continue;
    const index = before.head.index + i + 1;
    trust = { version: change.version, sha256: change.sha256, index };
    trustIndexes = [...trustIndexes, index];
  }
  return { trust, trustIndexes };
}
