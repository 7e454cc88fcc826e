/**
 * The postgres store is a store, and the postgres archive an archive: on a real server, and through a pooler that gives each transaction
 * another connection.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openPostgresArchive, openPostgresStore } from '../../lib/stores/postgres.ts';
import { testArchive, testLogStorage, testStore } from '../../lib/testing/index.ts';
import { HAS_PGBOUNCER, HAS_POSTGRES, PgBouncer, PostgresServer } from '../support/postgres.ts';

let server: PostgresServer;

describe.runIf(HAS_POSTGRES)('with a server', () => {
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  testAll('postgres', () => server.url);

  describe.runIf(HAS_PGBOUNCER)('and PgBouncer in transaction mode', () => {
    let bouncer: PgBouncer;
    beforeAll(async () => {
      bouncer = await PgBouncer.start(server);
    });
    afterAll(() => bouncer.stop());

    testAll('postgres behind PgBouncer', () => bouncer.url);
  });
});

/** All tests share the tables: stores are told apart by their ids. */
function testAll(name: string, url: () => string): void {
  const runner = { describe, it };
  const place = () => ({ url: url(), storeId: randomBytes(16).toString('hex') });
  const openers = () => {
    const at = place();
    return { openStore: () => openPostgresStore(at), openArchive: () => openPostgresArchive(at) };
  };
  testStore(
    name,
    async () => {
      const { openStore } = openers();
      return { store: await openStore(), openAgain: openStore };
    },
    runner,
  );
  testStore(
    `an archive in ${name}`,
    async () => {
      const { openArchive } = openers();
      return {
        store: (await openArchive()).store,
        openAgain: async () => (await openArchive()).store,
      };
    },
    runner,
  );
  testLogStorage(
    `an archive in ${name}`,
    async () => {
      const { openArchive } = openers();
      return {
        storage: (await openArchive()).log,
        openAgain: async () => (await openArchive()).log,
      };
    },
    runner,
  );
  testArchive(
    name,
    async () => {
      const { openArchive } = openers();
      return { archive: await openArchive(), openAgain: openArchive };
    },
    runner,
  );
}
