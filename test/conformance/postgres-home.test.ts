/** Homes whose records lie in a real PostgreSQL. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe } from 'vitest';
import type { StoreChoice } from '../../lib/session-key-store/types.ts';
import { testArchiveHomes } from '../support/archive-home-suite.ts';
import { HAS_POSTGRES, PASSWORD, PostgresServer } from '../support/postgres.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

describe.runIf(HAS_POSTGRES)('PostgreSQL', () => {
  let server: PostgresServer;
  let folder: TemporaryFolder;
  let schemas = 0;
  beforeAll(async () => {
    [server, folder] = await Promise.all([PostgresServer.start(), temporaryFolder()]);
  });
  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  const run = (program: string, args: readonly string[]): void => {
    const { username } = new URL(server.url);
    const own = { PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: username };
    const env = { ...process.env, ...own, PGPASSWORD: PASSWORD };
    execFileSync(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  };

  testArchiveHomes('PostgreSQL', {
    choose: () =>
      Promise.resolve({ kind: 'postgres', url: server.url, schema: `home_${++schemas}` }),

    backUp(choice) {
      const schema = schemaOf(choice);
      const file = join(folder.path, `${schema}.dump`);
      run('pg_dump', ['--format=custom', `--schema=${schema}`, `--file=${file}`, 'postgres']);
      return Promise.resolve(async () => {
        await server.run(`DROP SCHEMA ${schema} CASCADE`);
        run('pg_restore', ['--dbname=postgres', '--single-transaction', file]);
      });
    },

    async removeRow(choice, id) {
      await server.run(`DELETE FROM ${schemaOf(choice)}.records WHERE id = '${id}'`);
    },

    async copyRow(choice, from, to) {
      const records = `${schemaOf(choice)}.records`;
      await server.run(
        `UPDATE ${records} SET bytes = (SELECT bytes FROM ${records} WHERE id = '${from}') WHERE id = '${to}'`,
      );
    },
  });
});

function schemaOf(choice: StoreChoice): string {
  if (choice.kind !== 'postgres' || !choice.schema) throw new Error('want a schema of PostgreSQL');
  return choice.schema;
}
