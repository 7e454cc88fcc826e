/** All that an archive keeps, to be compared with another one. */
import { createHash } from 'node:crypto';
import type { Archive } from '../../lib/stores/archive.ts';
import { collected } from './logged-records.ts';

/** Head, leaves and hashes of the log, records, and map nodes, the last two in the order of their names. */
export async function contentOf(archive: Archive): Promise<unknown> {
  const { log, store } = archive;
  const head = await log.head();
  const size = head?.size ?? 0;
  const leaves: Uint8Array[] = [];
  while (leaves.length < size)
    leaves.push(...(await log.readLeaves(leaves.length, Math.min(256, size - leaves.length))));
  const hashes: Uint8Array[] = [];
  for (let tile = 0; tile * 256 < size; tile++) hashes.push(await log.readTile(0, tile));
  const records: unknown[] = [];
  for await (const { id } of store.list()) {
    const { version, bytes } = (await store.get(id))!;
    records.push([id, version, digest(bytes)]);
  }
  const nodes: [string, unknown][] = [];
  for (const hash of await collected(archive.listNodes()))
    nodes.push([Buffer.from(hash).toString('hex'), digest((await archive.readNodes([hash]))[0]!)]);
  return {
    head,
    leaves,
    hashes,
    records,
    nodes: new Map(nodes.toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Megabytes are not compared byte by byte by the test runner. */
function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
