/** Conformance of the map nodes of an archive. */
import assert from 'node:assert/strict';
import type { LogCompanions } from '../signed-log/index.ts';
import type { Archive } from '../stores/archive.ts';
import {
  growWith,
  hashesOf,
  hasNodes,
  hasRecords,
  listedNodes,
  nodeOf,
  nodesOf,
  recordOf,
} from './archive-samples.ts';
import { fails, isHead } from './log-storage-samples.ts';

type OfNodes = readonly [title: string, body: (archive: Archive) => Promise<void>];

const NOTHING: LogCompanions = { records: [], mapNodes: [] };

export const NODES: readonly OfNodes[] = [
  [
    'gives map nodes in the order in which they were asked for',
    async (archive) => {
      const mapNodes = nodesOf(256, 'some');
      await growWith(archive, undefined, { ...NOTHING, mapNodes });
      const missing = nodeOf('missing');
      const asked = [missing, ...mapNodes.slice(0, 100).toReversed(), missing, mapNodes[0]!];
      const read = await archive.readNodes(asked.map(({ hash }) => hash));
      assert.deepEqual(
        read,
        asked.map((node) => (node === missing ? undefined : node.bytes)),
      );
      assert.deepEqual(await archive.readNodes([]), []);
      await hasNodes(archive, mapNodes);
    },
  ],
  [
    'refuses to read what is no hash, and too many',
    async (archive) => {
      const hash = new Uint8Array(32);
      await fails('PARAMETER_INVALID', archive.readNodes([hash, new Uint8Array(16)]));
      await fails('PARAMETER_INVALID', archive.readNodes(Array.from({ length: 257 }, () => hash)));
      await fails('PARAMETER_INVALID', archive.removeNodes([new Uint8Array(33)], undefined));
    },
  ],
  [
    'keeps a map node once that comes along again, or twice',
    async (archive) => {
      const mapNodes = nodesOf(3, 'some');
      const head = await growWith(archive, undefined, { ...NOTHING, mapNodes });
      const again = [...mapNodes, nodeOf('new'), nodeOf('new')];
      await growWith(archive, head, { ...NOTHING, mapNodes: again });
      assert.deepEqual(await listedNodes(archive), hashesOf([...mapNodes, nodeOf('new')]));
      await hasNodes(archive, again);
    },
  ],
  [
    'lists thousands of map nodes, each once',
    async (archive) => {
      const mapNodes = nodesOf(3500, 'many');
      await growWith(archive, undefined, { ...NOTHING, mapNodes });
      assert.deepEqual(await listedNodes(archive), hashesOf(mapNodes));
    },
  ],
  [
    'removes map nodes while the head is the one that is named, and nothing else',
    async (archive) => {
      const mapNodes = nodesOf(2500, 'many');
      const records = [recordOf(1)];
      const first = await growWith(archive, undefined, { records, mapNodes });
      const head = await growWith(archive, first, NOTHING);
      const gone = mapNodes.slice(0, 2200);
      const hashes = [...gone, nodeOf('absent')].map(({ hash }) => hash);
      await archive.removeNodes([], head);
      await archive.removeNodes(hashes, head);
      assert.deepEqual(await listedNodes(archive), hashesOf(mapNodes.slice(2200)));
      await hasRecords(archive, records);
      await isHead(archive.log, head);
      const left = mapNodes.slice(2200).map(({ hash }) => hash);
      for (const other of [undefined, first, { ...head, checkpoint: first.checkpoint }])
        await fails('STORE_CONFLICT', archive.removeNodes(left, other));
      await hasNodes(archive, mapNodes.slice(2200));
      await growWith(archive, head, { ...NOTHING, mapNodes: gone.slice(0, 2) });
      await hasNodes(archive, gone.slice(0, 2));
    },
  ],
];
