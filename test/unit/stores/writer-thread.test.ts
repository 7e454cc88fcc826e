/** The thread that writes an lmdb store, with a database that ends it. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WriterThread } from '../../../lib/stores/lmdb/writer-thread.ts';
import { encodeStoredValue } from '../../../lib/stores/lmdb/stored-value.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** In the place of the package: its first thread ends in the middle of a transaction, those after it work. */
const ENDING = `
const { existsSync, writeFileSync } = require('node:fs');
exports.open = (path) => {
  const isFirst = !existsSync(path);
  writeFileSync(path, '');
  const kept = new Map();
  return {
    transactionSync: (work) => { if (isFirst) process.exit(1); work(); },
    getBinary: (key) => kept.get(key.toString('hex')),
    putSync: (key, value) => kept.set(key.toString('hex'), value),
    close: async () => {},
  };
};`;

it('says of what it was writing when it ended that it may be done, and writes the rest in another', async () => {
  const folder = await temporaryFolder();
  const lmdb = join(folder.path, 'ending.cjs');
  const path = join(folder.path, 'opened');
  writeFileSync(lmdb, ENDING);
  const writer = new WriterThread({ lmdb, path, open: {} });
  const swap = (digit: number) => ({
    key: new Uint8Array(16).fill(digit),
    value: encodeStoredValue(1, Uint8Array.of(1)),
  });
  const first = writer.swap([swap(1)]).catch((error: unknown) => error);
  await Promise.resolve();
  // These wait for the first.
  const others = [writer.swap([swap(2)]), writer.swap([swap(3), swap(3)])];
  expect(await first).toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN' });
  expect(await Promise.all(others)).toEqual([[true], [true, false]]);
  expect(existsSync(path)).toBe(true);
  await writer.close();
  await folder.remove();
});
