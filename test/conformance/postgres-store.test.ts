/** The postgres store is a store, on a real server, and through a pooler that gives each transaction another connection. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openPostgresStore } from '../../lib/stores/postgres.ts';
import { testStore } from '../../lib/testing/index.ts';
import { HAS_PGBOUNCER, HAS_POSTGRES, PgBouncer, PostgresServer } from '../support/postgres.ts';

let server: PostgresServer;

describe.runIf(HAS_POSTGRES)('with a server', () => {
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  testStore('postgres', () => fixture(() => server.url), { describe, it });

  describe.runIf(HAS_PGBOUNCER)('and PgBouncer in transaction mode', () => {
    let bouncer: PgBouncer;
    beforeAll(async () => {
      bouncer = await PgBouncer.start(server);
    });
    afterAll(() => bouncer.stop());

    testStore('postgres behind PgBouncer', () => fixture(() => bouncer.url), { describe, it });
  });
});

/** All tests share the tables: stores are told apart by their ids. */
async function fixture(url: () => string) {
  const storeId = randomBytes(16).toString('hex');
  const open = () => openPostgresStore({ url: url(), storeId });
  return { store: await open(), openAgain: open };
}
