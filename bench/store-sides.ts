/** The two sides of bench/stores.bench.ts: a record through a store, and the same durable write or read by the bare package. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { open } from 'lmdb';
import { Pool } from 'pg';
import type { Store } from '../lib/contracts/store.ts';
import { openLmdbStore } from '../lib/stores/lmdb.ts';
import { openPostgresStore } from '../lib/stores/postgres.ts';
import { PostgresServer } from '../test/support/postgres.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';

/** Bytes of a record; nothing in it can be compressed. */
export const RECORD = randomBytes(1024);

export type StoreKind = 'lmdb' | 'postgres';

/** A store, and the package below it on tables of its own. */
export interface StoreSides {
  readonly store: Store;
  readonly bare: {
    /** Writes a record that is not there yet, durably. */
    put(id: string): Promise<void>;
    get(id: string): Promise<number | undefined>;
  };
  close(): Promise<void>;
}

export function newId(): string {
  return randomBytes(16).toString('hex');
}

export function openSides(kind: StoreKind): Promise<StoreSides> {
  return kind === 'lmdb' ? lmdbSides() : postgresSides();
}

async function lmdbSides(): Promise<StoreSides> {
  const folder = await temporaryFolder();
  const store = await openLmdbStore(join(folder.path, 'store.mdb'));
  const database = open<Buffer, Buffer>(join(folder.path, 'bare.mdb'), {
    encoding: 'binary',
    keyEncoding: 'binary',
    cache: false,
    // Durable when the promise resolves, as ours.
    overlappingSync: false,
  });
  return {
    store,
    bare: {
      put: async (id) => {
        await database.put(Buffer.from(id, 'hex'), RECORD);
      },
      get: async (id) => database.get(Buffer.from(id, 'hex'))?.length,
    },
    close: async () => {
      await store.close();
      await database.close();
      await folder.remove();
    },
  };
}

async function postgresSides(): Promise<StoreSides> {
  const server = await PostgresServer.start({
    fsync: 'on',
    synchronous_commit: 'on',
    wal_writer_delay: '200ms',
    shared_buffers: '128MB',
    max_wal_size: '1GB',
  });
  const store = await openPostgresStore({ url: server.url, storeId: newId() });
  const pool = new Pool({ connectionString: server.url, max: 4 });
  await pool.query('CREATE TABLE bare (id uuid PRIMARY KEY, bytes bytea NOT NULL)');
  await pool.query('ALTER TABLE bare ALTER COLUMN bytes SET STORAGE EXTERNAL');
  return {
    store,
    bare: {
      put: async (id) => {
        await pool.query('INSERT INTO bare (id, bytes) VALUES ($1, $2)', [id, RECORD]);
      },
      get: async (id) => {
        const { rows } = await pool.query<{ bytes: Buffer }>(
          'SELECT bytes FROM bare WHERE id = $1',
          [id],
        );
        return rows[0]?.bytes.length;
      },
    },
    close: async () => {
      await store.close();
      await pool.end();
      await server.stop();
    },
  };
}
