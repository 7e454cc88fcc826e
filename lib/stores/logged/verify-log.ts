/** An audit of the log over records, from its first leaf on: signatures, changes, states, and every node of the newest one. */
import { setTimeout } from 'node:timers/promises';
import { equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { EMPTY_MAP_ROOT } from '../../merkle-map/map-node.ts';
import { MerkleMap } from '../../merkle-map/merkle-map.ts';
import type { SignedLog } from '../../signed-log/signed-log.ts';
import type { Archive } from '../archive.ts';
import { LeafSigners, wrong } from './leaf-signers.ts';
import { checkState, readLeaf, type LogTracker } from './log-tracker.ts';
import type { VerifiedLog, VerifyLoggedOptions } from './logged-options.ts';
import { decodeRecordValue, isRecordValue } from './map-values.ts';

/** What is audited. */
export interface VerifyParts {
  readonly archive: Archive;
  readonly log: SignedLog;
  readonly tracker: LogTracker;
  readonly storeId: Uint8Array;
  readonly homeId: Uint8Array;
}

/** Leaves between two moments in which the program can do something else. */
const LEAVES_AT_ONCE = 32;
/** Of the auditor's own map, which has no place: all that it needs it has made. */
const NOWHERE = new MerkleMap({ readNodes: async (hashes) => hashes.map(() => undefined) }, 0);

/**
 * Reads everything. The map is made again from nothing, in memory: some 300 bytes for each record.
 *
 * @throws KeyStoreError MANIFEST_DAMAGED, BLOB_SIGNER_NOT_TRUSTED, CANCELLED; LOG_TRUNCATED, LOG_DAMAGED, and what following the log throws.
 */
export async function verifyLog(
  parts: VerifyParts,
  { onProgress, signal }: VerifyLoggedOptions = {},
): Promise<VerifiedLog> {
  const { archive, log, tracker, storeId, homeId } = parts;
  await log.refresh();
  const { head, mapRoot, trust } = tracker.state;
  const trustIndex = trust?.index ?? 0;
  const anchor = await tracker.anchor();
  const signers = new LeafSigners({ anchor, homeId, trustIndex, isAudit: true });
  const draft = NOWHERE.edit(EMPTY_MAP_ROOT);
  let covered = 0;
  let done = 0;
  for await (const { bytes } of log.leaves(0, head.index)) {
    done++;
    const placed = { index: done, leaf: readLeaf(bytes, done, storeId) };
    if (!signers.check(placed)) covered++;
    await checkState(draft, placed);
    if (done % LEAVES_AT_ONCE !== 0) continue;
    if (signal?.aborted) throw new KeyStoreError('CANCELLED');
    onProgress?.(done, head.index);
    await setTimeout(0);
  }
  if (!equalBytes(draft.root, mapRoot)) throw wrong(done, 'states what its log does not make');
  onProgress?.(done, done);
  return { leaves: done, covered, records: await countRecords(archive, mapRoot) };
}

/** Reads every node where it is kept, and nothing from memory. */
async function countRecords(archive: Archive, mapRoot: Uint8Array): Promise<number> {
  let records = 0;
  for await (const { value } of new MerkleMap(archive).entries(mapRoot))
    if (isRecordValue(value) && decodeRecordValue(value).sha256) records++;
  return records;
}
