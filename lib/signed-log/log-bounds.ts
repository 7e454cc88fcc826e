/** What every storage of a log asks of its arguments. */
import { equalBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import {
  LOG_LIMITS,
  TILE_HEIGHT,
  TILE_LEVELS,
  type LogAppend,
  type LogHead,
} from './log-storage.ts';
import { HASH_LENGTH } from './merkle-hash.ts';
import { MAX_TREE_SIZE, shiftRight } from './tree-size.ts';

/**
 * Checks an append.
 *
 * @returns The size after it.
 * @throws KeyStoreError PARAMETER_INVALID, BLOB_TOO_LARGE
 */
export function checkLogAppend({ after, leaves, nodes, checkpoint }: LogAppend): number {
  const size = after?.size ?? 0;
  if (after && !(Number.isInteger(size) && size > 0)) refuse('a head has a size from 1');
  if (leaves.length === 0) refuse('an append has at least one leaf');
  if (leaves.length > LOG_LIMITS.appendLeaves) tooLarge('leaves of an append', leaves.length);
  const grown = size + leaves.length;
  if (grown > MAX_TREE_SIZE) tooLarge('leaves of a log', grown);
  for (const { length } of leaves)
    if (length > LOG_LIMITS.leafBytes) tooLarge('bytes of a leaf', length);
  const total = leaves.reduce((sum, { length }) => sum + length, 0);
  if (total > LOG_LIMITS.appendBytes) tooLarge('bytes of an append', total);
  if (checkpoint.length === 0) refuse('a checkpoint is not empty');
  if (checkpoint.length > LOG_LIMITS.checkpointBytes)
    tooLarge('bytes of a checkpoint', checkpoint.length);
  if (nodes.length !== TILE_LEVELS) refuse(`want hashes for ${TILE_LEVELS} levels`);
  for (const [level, hashes] of nodes.entries())
    if (hashes.length !== nodesGained(size, grown, level) * HASH_LENGTH)
      refuse(`level ${level} gains ${nodesGained(size, grown, level)} hashes`);
  return grown;
}

/**
 * Refuses what only a storage of records can take along.
 *
 * @throws KeyStoreError NOT_SUPPORTED
 */
export function refuseCompanions({ along }: LogAppend): void {
  if (along)
    throw new KeyStoreError('NOT_SUPPORTED', 'this storage keeps a log, and no records with it');
}

/** How many hashes a level of tiles gains by a growth from `size` to `grown` leaves. */
export function nodesGained(size: number, grown: number, level: number): number {
  return nodesAt(grown, level) - nodesAt(size, level);
}

/** How many hashes a level of tiles has. */
export function nodesAt(size: number, level: number): number {
  return shiftRight(size, TILE_HEIGHT * level);
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkLeafPage(first: number, count: number): void {
  checkNumber('first', first, 0, MAX_TREE_SIZE);
  checkNumber('count', count, 1, LOG_LIMITS.pageLeaves);
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkTile(level: number, index: number): void {
  checkNumber('level', level, 0, TILE_LEVELS - 1);
  checkNumber('index', index, 0, MAX_TREE_SIZE);
}

/** Is it the same state? */
export function isSameHead(a: LogHead | undefined, b: LogHead | undefined): boolean {
  if (!a || !b) return a === b;
  return a.size === b.size && equalBytes(a.checkpoint, b.checkpoint);
}

/** How many of these leaves a page gives: it ends with the one that reaches the limit. */
export function pageLength(lengths: readonly number[]): number {
  let total = 0;
  for (const [i, length] of lengths.entries()) {
    total += length;
    if (total >= LOG_LIMITS.pageBytes) return i + 1;
  }
  return lengths.length;
}

// oxlint-disable-next-line max-params -- a name, a number, its bounds
function checkNumber(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    refuse(`${name} is a whole number from ${min} to ${max}`);
}

function refuse(problem: string): never {
  throw new KeyStoreError('PARAMETER_INVALID', problem);
}

function tooLarge(what: string, count: number): never {
  throw new KeyStoreError('BLOB_TOO_LARGE', `${count} ${what} are too many`);
}
