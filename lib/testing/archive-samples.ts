/** What the suite of an archive writes, and how it looks whether all of it is there, or none. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { LogCompanions, LogHead } from '../signed-log/index.ts';
import type { Archive } from '../stores/archive.ts';
import { append, appendOf, isSame } from './log-storage-samples.ts';

type AlongRecord = LogCompanions['records'][number];
type AlongNode = LogCompanions['mapNodes'][number];

/** The n-th id, spread over the whole range of ids. */
export function idOf(n: number): string {
  return sha256(`id ${n}`).toString('hex').slice(0, 32);
}

export function recordOf(n: number, version = 1, kind = 'record'): AlongRecord {
  return { id: idOf(n), version, bytes: text(`${kind} ${n} at ${version}`) };
}

export function tombstoneOf(n: number, version: number): AlongRecord {
  return { id: idOf(n), version, bytes: undefined };
}

export function nodeOf(name: string): AlongNode {
  const bytes = text(`node ${name}`);
  return { hash: new Uint8Array(createHash('sha256').update(bytes).digest()), bytes };
}

export function nodesOf(count: number, name: string): AlongNode[] {
  return Array.from({ length: count }, (_, n) => nodeOf(`${n} of ${name}`));
}

/** Appends one leaf, which says who made it, with these records and nodes. */
export function growWith(
  { log }: Archive,
  after: LogHead | undefined,
  along: LogCompanions,
): Promise<LogHead> {
  return append(log, { ...appendOf(after, 1), along });
}

/** Each of these is there as it was stated. */
export async function hasRecords({ store }: Archive, records: readonly AlongRecord[]) {
  for (const { id, version, bytes } of records) {
    const record = await store.get(id);
    assert.equal(record?.version, bytes && version, id);
    if (record && bytes) assert.ok(isSame([record.bytes], [bytes]), id);
  }
}

/** Each of these is there, or none of them. */
export async function hasNodes(archive: Archive, nodes: readonly AlongNode[], isThere = true) {
  for (let at = 0; at < nodes.length; at += 256) {
    const page = nodes.slice(at, at + 256);
    const read = await archive.readNodes(page.map(({ hash }) => hash));
    assert.equal(read.length, page.length);
    for (const [i, bytes] of read.entries()) {
      assert.equal(bytes !== undefined, isThere);
      if (bytes) assert.ok(isSame([bytes], [page[i]!.bytes]));
    }
  }
}

/** Hashes as text, ascending: an archive may list them in any order. */
export async function listedNodes(archive: Archive): Promise<string[]> {
  const hashes: string[] = [];
  for await (const hash of archive.listNodes()) hashes.push(Buffer.from(hash).toString('hex'));
  return hashes.toSorted();
}

export function hashesOf(nodes: readonly AlongNode[]): string[] {
  return nodes.map(({ hash }) => Buffer.from(hash).toString('hex')).toSorted();
}

export async function listedIds({ store }: Archive): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.list()) ids.push(id);
  return ids;
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function sha256(content: string): Buffer {
  return createHash('sha256').update(content).digest();
}
