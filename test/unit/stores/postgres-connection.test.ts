/** Where a postgres store connects to: URLs, the standard variables, and which TLS that means. */
import { describe, expect, it, vi } from 'vitest';
import { connectionWords } from '../../../lib/stores/postgres/connection-url.ts';
import { failureOf } from '../../../lib/stores/postgres/pg-error.ts';
import { tlsOptions } from '../../../lib/stores/postgres/tls-options.ts';

const words = (url: string | undefined, environment: Record<string, string> = {}) =>
  connectionWords({ ...(url !== undefined && { url }), environment });

describe('a URL of a database', () => {
  it('gives host, port, user, password and database, unescaped', async () => {
    expect(await words('postgres://us%65r:p%40ss@[::1]:6000/my%20db')).toEqual({
      host: '::1',
      port: 6000,
      user: 'user',
      password: 'p@ss',
      dbname: 'my db',
    });
  });

  it('gives a socket by its folder', async () => {
    expect(await words('postgresql:///db?host=/run/postgresql')).toEqual({
      host: '/run/postgresql',
      port: 5432,
      dbname: 'db',
    });
  });

  it('leaves out what the standard variables then say', async () => {
    const environment = {
      PGHOST: 'db.example',
      PGPORT: '7000',
      PGUSER: 'u',
      PGPASSWORD: 'p',
      PGAPPNAME: 'a',
    };
    expect(await words('postgres:///x?user=other', environment)).toEqual({
      host: 'db.example',
      port: 7000,
      user: 'other',
      password: 'p',
      dbname: 'x',
      applicationName: 'a',
    });
    expect(await words(undefined, {})).toEqual({ host: 'localhost', port: 5432 });
  });

  it.each([
    'db.example',
    'mysql://db.example/x',
    'postgres://db.example/x?sslkye=1',
    'postgres://db.example:99999/x',
    'postgres://db.example/%zz',
    'postgres://a,b/x?port=1,2',
  ])('is refused: %s', async (url) => {
    await expect(words(url)).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });
});

describe('a URL whose password has what a URL means something by', () => {
  it.each([
    'postgres://user:12?s3cret@db.example/x',
    'postgres://user:12#s3cret@db.example/x',
    'postgres://user:s3cret?x@db.example/x',
    'postgres://user:s3cret%zz@db.example/x',
    'postgres://db.example/x?s3cret=1',
  ])('is refused, and no part of it is told: %s', async (url) => {
    const error = await words(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PARAMETER_INVALID' });
    expect(`${JSON.stringify(error)} ${String(error)}`).not.toContain('s3cret');
  });
});

describe('TLS', () => {
  const modeOf = async (host: string, sslmode?: string) => {
    const found = await tlsOptions({ host, port: 5432, ...(sslmode !== undefined && { sslmode }) });
    if (found === false) return 'none';
    return found.rejectUnauthorized === false ? 'unverified' : 'verified';
  };

  it('is not needed to this machine, and is verified to every other', async () => {
    for (const host of ['/run/postgresql', 'localhost', '127.0.0.1', '::1'])
      expect(await modeOf(host)).toBe('none');
    for (const host of ['db.example', '10.0.0.1', '127.example', '2001:db8::1'])
      expect(await modeOf(host)).toBe('verified');
  });

  it('is what sslmode says', async () => {
    expect(await modeOf('db.example', 'disable')).toBe('none');
    expect(await modeOf('db.example', 'require')).toBe('unverified');
    expect(await modeOf('localhost', 'verify-full')).toBe('verified');
    expect(await modeOf('localhost', 'verify-ca')).toBe('verified');
    for (const mode of ['allow', 'prefer', 'no-verify', 'true'])
      await expect(modeOf('localhost', mode)).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });

  it('looks for the address in the certificate where the host is one', async () => {
    const found = await tlsOptions({ host: '10.0.0.1', port: 5432 });
    if (found === false) throw new TypeError('no TLS');
    const certificate = { subject: {}, subjectaltname: 'DNS:localhost' } as never;
    expect(found.checkServerIdentity!('localhost', certificate)).toBeInstanceOf(Error);
    const right = { subject: {}, subjectaltname: 'IP Address:10.0.0.1' } as never;
    expect(found.checkServerIdentity!('localhost', right)).toBeUndefined();
  });
});

describe('a failure of the database', () => {
  const ofServer = (code: string) =>
    failureOf(Object.assign(new TypeError('text'), { code, severity: 'ERROR', detail: 'secret' }));

  it.each([
    ['57P01', 'STORE_UNAVAILABLE', { isPassing: true, isAnswered: false }],
    ['08006', 'STORE_UNAVAILABLE', { isPassing: true, isAnswered: false }],
    ['40P01', 'STORE_UNAVAILABLE', { isPassing: true, isAnswered: true }],
    ['53300', 'STORE_UNAVAILABLE', { isPassing: true, isAnswered: true }],
    ['53100', 'STORAGE_FULL', { isPassing: false, isAnswered: true }],
    ['25006', 'STORAGE_READ_ONLY', { isPassing: false, isAnswered: true }],
    ['28P01', 'STORE_ACCESS_DENIED', { isPassing: false, isAnswered: true }],
    ['42501', 'STORE_ACCESS_DENIED', { isPassing: false, isAnswered: true }],
    ['42P01', 'STORE_DAMAGED', { isPassing: false, isAnswered: true }],
    ['XX001', 'STORE_DAMAGED', { isPassing: false, isAnswered: true }],
    ['22012', 'IO_FAILED', { isPassing: false, isAnswered: true }],
  ] as const)('%s is %s', (sqlstate, code, fate) => {
    const failure = ofServer(sqlstate);
    expect(failure).toMatchObject(fate);
    expect(failure.error).toMatchObject({ code });
    expect(JSON.stringify(failure.error)).not.toContain('secret');
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', ''])(
    '%s may pass, and the statement may have been done',
    (code) => {
      const failure = failureOf(Object.assign(new TypeError('text'), { code }));
      expect(failure).toMatchObject({ isPassing: true, isAnswered: false });
      expect(failure.error.code).toBe('STORE_UNAVAILABLE');
    },
  );

  it.each(['SELF_SIGNED_CERT_IN_CHAIN', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED'])(
    '%s is a server that is not trusted',
    (code) => {
      const { error } = failureOf(Object.assign(new TypeError('text'), { code }));
      expect(error.code).toBe('STORE_ACCESS_DENIED');
    },
  );
});

it('names the package that is missing', async () => {
  vi.doMock('pg', () => {
    throw new TypeError('not installed');
  });
  vi.resetModules();
  const { openPostgresStore } = await import('../../../lib/stores/postgres.ts');
  await expect(openPostgresStore({ storeId: '0'.repeat(32) })).rejects.toMatchObject({
    code: 'MODULE_MISSING',
    hint: expect.stringContaining('npm install pg') as string,
  });
  vi.doUnmock('pg');
});
