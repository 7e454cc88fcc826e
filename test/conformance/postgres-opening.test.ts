/** Opening a postgres store: its tables, its users, its certificates, and a password that nothing tells. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPostgresStore, type PostgresStoreOptions } from '../../lib/stores/postgres.ts';
import { Database } from '../../lib/stores/postgres/database.ts';
import { migrate, MIGRATIONS, type Migration } from '../../lib/stores/postgres/migrations.ts';
import { HAS_POSTGRES, PASSWORD, PostgresServer } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ID = 'abcdef0123456789abcdef0123456789';
const ONE = Uint8Array.of(1);
const storeId = () => randomBytes(16).toString('hex');
const schema = () => `s${randomBytes(6).toString('hex')}`;

describe.runIf(HAS_POSTGRES)('a postgres store', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());
  afterEach(() => vi.unstubAllEnvs());

  const open = (options: Partial<PostgresStoreOptions> = {}) =>
    openPostgresStore({ url: server.url, storeId: storeId(), retryMs: 0, ...options });

  describe('makes its tables', () => {
    it('once, when eight open at once', async () => {
      for (let round = 0; round < 6; round++) {
        const fresh = schema();
        const stores = await Promise.all(
          Array.from({ length: 8 }, () => open({ schema: fresh, connections: 1 })),
        );
        expect(
          await server.run(`SELECT version FROM ${fresh}.migrations ORDER BY version`),
        ).toEqual(MIGRATIONS.map((_, step) => ({ version: step + 1 })));
        await Promise.all(stores.map((store) => store.close()));
      }
    });

    it('step by step from an older version, and never goes back', async () => {
      const fresh = schema();
      await using store = await open({ schema: fresh });
      await store.put(ID, 1, ONE);
      const database = new Database(pg, {
        pool: { connectionString: server.url },
        connections: 2,
        retryMs: 0,
      });
      const applied = MIGRATIONS.map((): Migration => () => 'SELECT 1 / 0');
      const next: Migration = (name) => `ALTER TABLE ${name}.records ADD COLUMN note text`;
      await Promise.all([
        migrate(database, fresh, [...applied, next]),
        migrate(database, fresh, [...applied, next]),
      ]);
      await database.close();
      expect(await server.run(`SELECT note, version FROM ${fresh}.records`)).toEqual([
        { note: null, version: '1' },
      ]);
      await expect(open({ schema: fresh })).rejects.toMatchObject({
        code: 'STORE_VERSION_UNSUPPORTED',
      });
    });

    it('or leaves all as it was, where a step fails', async () => {
      const fresh = schema();
      const database = new Database(pg, {
        pool: { connectionString: server.url },
        connections: 1,
        retryMs: 0,
      });
      const good: Migration = (name) => `CREATE TABLE ${name}.records (id uuid)`;
      await expect(migrate(database, fresh, [good, () => 'SELECT 1 / 0'])).rejects.toMatchObject({
        code: 'IO_FAILED',
      });
      await database.close();
      const found = await server.run('SELECT 1 FROM pg_namespace WHERE nspname = $1', [fresh]);
      expect(found).toEqual([]);
    });

    it('and needs no right to make any where they are there', async () => {
      const fresh = schema();
      await (await open({ schema: fresh })).close();
      await server.run(`CREATE ROLE ${fresh}_user LOGIN PASSWORD 'x'`);
      await server.run(`GRANT USAGE ON SCHEMA ${fresh} TO ${fresh}_user`);
      await server.run(
        `GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ${fresh} TO ${fresh}_user`,
      );
      const url = server.urlOf({ user: `${fresh}_user`, password: 'x' });
      await using store = await open({ url, schema: fresh });
      await store.put(ID, 1, ONE);
      await store.delete(ID, 2);
      await expect(open({ url, schema: schema() })).rejects.toMatchObject({
        code: 'STORE_ACCESS_DENIED',
      });
    });
  });

  it('sees no record of another store in the same tables', async () => {
    await using one = await open();
    await using other = await open();
    await one.put(ID, 1, ONE);
    await one.put(ID, 2, ONE);
    expect(await other.get(ID)).toBeUndefined();
    await other.put(ID, 1, Uint8Array.of(2));
    await other.delete(ID, 2);
    expect(await one.get(ID)).toEqual({ version: 2, bytes: ONE });
  });

  it('waits for the disk though the user is set not to', async () => {
    await using store = await open({ connections: 1 });
    const [before] = await server.run('SELECT pg_current_wal_flush_lsn() AS lsn');
    await store.put(ID, 1, ONE);
    const [row] = await server.run(
      'SELECT pg_current_wal_flush_lsn() > $1::pg_lsn AS "isFlushed", current_setting($2) AS setting',
      [before!['lsn'], 'synchronous_commit'],
    );
    expect(row).toEqual({ isFlushed: true, setting: 'off' });
  });

  it('connects by a file, and by the standard variables', async () => {
    const folder = await temporaryFolder();
    const urlFile = join(folder.path, 'url');
    writeFileSync(urlFile, `${server.url}\n`, { mode: 0o600 });
    await (await openPostgresStore({ urlFile, storeId: storeId() })).close();
    chmodSync(urlFile, 0o640);
    await expect(openPostgresStore({ urlFile, storeId: storeId() })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    const { username } = new URL(server.url);
    vi.stubEnv('PGHOST', '127.0.0.1');
    vi.stubEnv('PGPORT', String(server.port));
    vi.stubEnv('PGUSER', username);
    vi.stubEnv('PGDATABASE', 'postgres');
    vi.stubEnv('PGPASSWORD', PASSWORD);
    await (await openPostgresStore({ storeId: storeId() })).close();
    const passFile = join(folder.path, 'pgpass');
    const escaped = PASSWORD.replaceAll(':', '\\:');
    writeFileSync(passFile, `127.0.0.1:*:*:${username}:${escaped}\n`, { mode: 0o600 });
    vi.stubEnv('PGPASSWORD', undefined);
    vi.stubEnv('PGPASSFILE', passFile);
    await (await openPostgresStore({ storeId: storeId() })).close();
    await folder.remove();
  });

  it('tells a password in no error and to no one who prints it', async () => {
    const wrong = 'not-the-one';
    const urls = [
      server.urlOf({ password: wrong }),
      server.urlOf({ password: wrong, host: 'nowhere.invalid' }),
      server.urlOf({ password: wrong, user: 'nobody' }),
      `${server.urlOf({ password: wrong })}?sslmode=verify-full`,
      `${server.urlOf({ password: wrong })}?unknown=1`,
      `postgres://user:${wrong}@host:port/x`,
      `postgres://user:${wrong}%zz@127.0.0.1/x`,
      `mysql://user:${wrong}@host/x`,
    ];
    for (const url of urls) {
      const error: unknown = await open({ url }).catch((thrown: unknown) => thrown);
      expect(error, url).toHaveProperty('code');
      expect(inspect(error, { depth: 9, showHidden: true }), url).not.toContain(wrong);
    }
    await using store = await open();
    expect(inspect(store, { depth: 9 })).not.toContain(PASSWORD);
  });

  it('says why it cannot open: no server, no such database, wrong password', async () => {
    await expect(open({ url: 'postgres://127.0.0.1:1/x' })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    await expect(open({ url: server.urlOf({ database: 'none' }) })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    await expect(open({ url: server.urlOf({ password: 'x' }) })).rejects.toMatchObject({
      code: 'STORE_ACCESS_DENIED',
    });
  });

  it('says of a standby that it cannot be written', async () => {
    const fresh = schema();
    await (await open({ schema: fresh })).close();
    await server.run(`CREATE ROLE ${fresh}_reader LOGIN SUPERUSER PASSWORD 'x'`);
    await server.run(`ALTER ROLE ${fresh}_reader SET default_transaction_read_only = on`);
    const url = server.urlOf({ user: `${fresh}_reader`, password: 'x' });
    await using store = await open({ url, schema: fresh });
    await expect(store.put(ID, 1, ONE)).rejects.toMatchObject({ code: 'STORAGE_READ_ONLY' });
    expect(await store.get(ID)).toBeUndefined();
  });
});

describe.runIf(HAS_POSTGRES)('a postgres store over TLS', () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    const first = await PostgresServer.start();
    folder = first.folder;
    makeCertificates(folder);
    await first.kill();
    await first.restart({
      ssl: 'on',
      ssl_cert_file: join(folder, 'server.pem'),
      ssl_key_file: join(folder, 'server.key'),
    });
    server = first;
  });
  afterAll(() => server.stop());

  const open = (words: string, host = '127.0.0.1') =>
    openPostgresStore({
      url: `${server.urlOf({ host })}?${words}`,
      storeId: storeId(),
      retryMs: 0,
    });

  it('takes a server whose certificate is of its name and of the root that was given', async () => {
    const root = `sslrootcert=${join(folder, 'root.pem')}`;
    for (const words of [
      `sslmode=verify-full&${root}`,
      `sslmode=verify-ca&${root}`,
      'sslmode=require',
    ]) {
      await using store = await open(words);
      await store.put(ID, 1, ONE);
      const found = await server.run(
        "SELECT count(*)::integer AS n FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'keycask' AND pid <> pg_backend_pid()",
      );
      expect(found).toEqual([{ n: 1 }]);
    }
  });

  it('refuses a certificate of another root, and one of another name', async () => {
    await expect(open('sslmode=verify-full')).rejects.toMatchObject({
      code: 'STORE_ACCESS_DENIED',
    });
    const root = `sslrootcert=${join(folder, 'root.pem')}`;
    await expect(open(`sslmode=verify-full&${root}`, 'localhost')).rejects.toMatchObject({
      code: 'STORE_ACCESS_DENIED',
    });
    const other = `sslrootcert=${join(folder, 'other.pem')}`;
    await expect(open(`sslmode=require&${other}`)).rejects.toMatchObject({
      code: 'STORE_ACCESS_DENIED',
    });
  });

  it('refuses a mode that may end without TLS', async () => {
    await expect(open('sslmode=prefer')).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });
});

/** A root, a server's certificate for 127.0.0.1 alone, and a root that has nothing to do with it. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  for (const name of ['root', 'other'])
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
    );
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=server');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1\n');
  const issuer = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    ...issuer,
    '-extfile',
    'names',
    '-out',
    'server.pem',
  );
  // The server takes a key of its own user's only.
  const { uid, gid } = statSync(folder);
  for (const name of ['server.key', 'server.pem']) {
    chownSync(join(folder, name), uid, gid);
    chmodSync(join(folder, name), 0o600);
  }
}
