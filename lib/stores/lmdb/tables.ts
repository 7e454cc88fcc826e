/**
 * What lies in a file of LMDB. A store has LMDB's main table alone; an archive has three more, whose names LMDB keeps in the main table.
 *
 *   table   key                                          value
 *   (main)  id, 16 bytes                                 version and record (stored-value.ts)
 *   log     0                                            size, 8 bytes, and the checkpoint: the head
 *           level + 1, 1 byte; index, 8 bytes            hash, 32 bytes
 *   leaves  index, 8 bytes                               the leaf
 *   nodes   SHA-256 of the node, 32 bytes                the node of the map
 *
 * Numbers are big-endian, so keys sort as they do. No name is 16 bytes long, as ids are.
 */

/** Of the tables beside the main one. Never changed: they are in the files. */
export const TABLE_NAMES = ['log', 'leaves', 'nodes'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** Key of the head of the log. */
export const HEAD_KEY = Buffer.of(0);

const NUMBER_LENGTH = 8;

export function leafKey(index: number): Buffer {
  const key = Buffer.alloc(NUMBER_LENGTH);
  key.writeBigUInt64BE(BigInt(index));
  return key;
}

export function hashKey(level: number, index: number): Buffer {
  return Buffer.concat([Buffer.of(level + 1), leafKey(index)]);
}

export function encodeHead(size: number, checkpoint: Uint8Array): Buffer {
  return Buffer.concat([leafKey(size), checkpoint]);
}

/** @returns The checkpoint in memory of its own; undefined where these are no bytes of a head. */
export function decodeHead(
  bytes: Buffer,
): { readonly size: number; readonly checkpoint: Uint8Array } | undefined {
  if (bytes.length <= NUMBER_LENGTH) return undefined;
  const size = Number(bytes.readBigUInt64BE());
  return { size, checkpoint: new Uint8Array(bytes.subarray(NUMBER_LENGTH)) };
}
