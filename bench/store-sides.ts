/** The two sides of bench/stores.bench.ts: records through a store or an archive, and the same durable writes or reads by the bare package. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { open } from 'lmdb';
import { Pool } from 'pg';
import type { Store } from '../lib/contracts/store.ts';
import type { LogAppend } from '../lib/signed-log/index.ts';
import type { Archive } from '../lib/stores/archive.ts';
import { openLmdbArchive } from '../lib/stores/lmdb.ts';
import { openPostgresArchive } from '../lib/stores/postgres.ts';
import { PostgresServer } from '../test/support/postgres.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';

/** Bytes of a record; nothing in it can be compressed. */
export const RECORD = randomBytes(1024);

export type StoreKind = 'lmdb' | 'postgres';

/** An archive and its store, and the package below them on tables of its own. */
export interface StoreSides {
  readonly store: Store;
  readonly archive: Archive;
  /** Closes the archive and opens it anew; `store` and `archive` are others then. */
  reopen(): Promise<void>;
  readonly bare: {
    /** Writes a record that is not there yet, durably. */
    put(id: string): Promise<void>;
    get(id: string): Promise<number | undefined>;
    /** Writes what an append writes, durably and in one transaction, and compares nothing. */
    append(append: LogAppend): Promise<void>;
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
  const openArchive = () => openLmdbArchive(join(folder.path, 'store.mdb'));
  const database = open<Buffer, Buffer>(join(folder.path, 'bare.mdb'), {
    encoding: 'binary',
    keyEncoding: 'binary',
    cache: false,
    // Durable when the promise resolves, as ours.
    overlappingSync: false,
  });
  const [log, nodes] = ['log', 'nodes'].map((name) =>
    database.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' }),
  );
  const bare: StoreSides['bare'] = {
    put: async (id) => {
      await database.put(Buffer.from(id, 'hex'), RECORD);
    },
    get: async (id) => database.get(Buffer.from(id, 'hex'))?.length,
    append: async (append) => {
      const index = Buffer.alloc(8);
      index.writeBigUInt64BE(BigInt(append.after?.size ?? 0));
      // One turn of the event loop is one transaction.
      const writes = [
        log!.put(index, Buffer.from(append.leaves[0]!)),
        log!.put(Buffer.concat([Buffer.of(1), index]), Buffer.from(append.nodes[0]!)),
        log!.put(Buffer.of(0), Buffer.from(append.checkpoint)),
      ];
      for (const { id, bytes } of append.along!.records)
        writes.push(database.put(Buffer.from(id, 'hex'), Buffer.from(bytes!)));
      for (const { hash, bytes } of append.along!.mapNodes)
        writes.push(nodes!.put(Buffer.from(hash), Buffer.from(bytes)));
      await Promise.all(writes);
    },
  };
  return sidesOf(await openArchive(), openArchive, bare, async () => {
    await database.close();
    await folder.remove();
  });
}

async function postgresSides(): Promise<StoreSides> {
  const server = await PostgresServer.start({
    fsync: 'on',
    synchronous_commit: 'on',
    wal_writer_delay: '200ms',
    shared_buffers: '128MB',
    max_wal_size: '1GB',
  });
  const storeId = newId();
  const openArchive = () => openPostgresArchive({ url: server.url, storeId });
  const pool = new Pool({ connectionString: server.url, max: 4 });
  await pool.query(`
    CREATE TABLE bare (id uuid PRIMARY KEY, bytes bytea NOT NULL);
    ALTER TABLE bare ALTER COLUMN bytes SET STORAGE EXTERNAL;
    CREATE TABLE leaves (index bigint PRIMARY KEY, leaf bytea NOT NULL, hash bytea NOT NULL);
    ALTER TABLE leaves ALTER COLUMN leaf SET STORAGE EXTERNAL;
    CREATE TABLE nodes (hash bytea PRIMARY KEY, bytes bytea NOT NULL);
    ALTER TABLE nodes ALTER COLUMN bytes SET STORAGE EXTERNAL;
    CREATE TABLE head (size bigint NOT NULL, checkpoint bytea NOT NULL);
    INSERT INTO head VALUES (0, '')`);
  const bare: StoreSides['bare'] = {
    put: async (id) => {
      await pool.query('INSERT INTO bare (id, bytes) VALUES ($1, $2)', [id, RECORD]);
    },
    get: async (id) => {
      const { rows } = await pool.query<{ bytes: Buffer }>('SELECT bytes FROM bare WHERE id = $1', [
        id,
      ]);
      return rows[0]?.bytes.length;
    },
    append: async ({ after, leaves, nodes, checkpoint, along }) => {
      const { records, mapNodes } = along!;
      const size = after?.size ?? 0;
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query('UPDATE head SET size = $1, checkpoint = $2', [size + 1, checkpoint]);
      await client.query('INSERT INTO leaves VALUES ($1, $2, $3)', [size, leaves[0], nodes[0]]);
      await client.query('INSERT INTO bare SELECT * FROM unnest($1::uuid[], $2::bytea[])', [
        records.map(({ id }) => id),
        records.map(({ bytes }) => bytes),
      ]);
      await client.query('INSERT INTO nodes SELECT * FROM unnest($1::bytea[], $2::bytea[])', [
        mapNodes.map(({ hash }) => hash),
        mapNodes.map(({ bytes }) => bytes),
      ]);
      await client.query('COMMIT');
      client.release();
    },
  };
  return sidesOf(await openArchive(), openArchive, bare, async () => {
    await pool.end();
    await server.stop();
  });
}

// oxlint-disable-next-line max-params -- both sides, and how they begin and end
function sidesOf(
  first: Archive,
  openArchive: () => Promise<Archive>,
  bare: StoreSides['bare'],
  end: () => Promise<void>,
): StoreSides {
  let archive = first;
  return {
    get archive() {
      return archive;
    },
    get store() {
      return archive.store;
    },
    reopen: async () => {
      await archive.close();
      archive = await openArchive();
    },
    bare,
    close: async () => {
      await archive.close();
      await end();
    },
  };
}
