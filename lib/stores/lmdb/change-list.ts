/**
 * Changes of several tables as one byte string, which a thread is given without another copy of each.
 *
 *   offset size
 *        0    1  table: 0 is the main one, then those of tables.ts
 *        1    2  length of the key
 *        3    4  length of the value; all ones: the key is removed
 *        7       key, value
 *
 * Numbers are big-endian. writer-thread.ts reads it.
 */
import { TABLE_NAMES, type TableName } from './tables.ts';

interface Change {
  readonly table: number;
  readonly key: Uint8Array;
  /** Nothing: the key is removed. */
  readonly value: Uint8Array | undefined;
}

const HEADER_LENGTH = 7;
const REMOVED = 0xffffffff;
const RECORDS = 0;

export class ChangeList {
  readonly #changes: Change[] = [];
  #length = 0;

  putRecord(key: Uint8Array, value: Uint8Array): void {
    this.#add({ table: RECORDS, key, value });
  }

  put(table: TableName, key: Uint8Array, value: Uint8Array): void {
    this.#add({ table: TABLE_NAMES.indexOf(table) + 1, key, value });
  }

  remove(table: TableName, key: Uint8Array): void {
    this.#add({ table: TABLE_NAMES.indexOf(table) + 1, key, value: undefined });
  }

  /** All of them, copied. */
  encode(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#length);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const { table, key, value } of this.#changes) {
      view.setUint8(at, table);
      view.setUint16(at + 1, key.length);
      view.setUint32(at + 3, value?.length ?? REMOVED);
      bytes.set(key, at + HEADER_LENGTH);
      at += HEADER_LENGTH + key.length;
      if (!value) continue;
      bytes.set(value, at);
      at += value.length;
    }
    return bytes;
  }

  #add(change: Change): void {
    this.#changes.push(change);
    this.#length += HEADER_LENGTH + change.key.length + (change.value?.length ?? 0);
  }
}
