/** A PostgreSQL server of a test's own: its folder, its port, its user, and no service manager. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import { freePorts } from './free-port.ts';

/** Where they are absent, tests are left out; except under CI=true, where they then fail. */
const isCi = process.env['CI'] === 'true';
export const HAS_POSTGRES = isCi || process.env['KEYCASK_HAVE_POSTGRES'] === '1';
export const HAS_PGBOUNCER =
  isCi || (HAS_POSTGRES && process.env['KEYCASK_HAVE_PGBOUNCER'] === '1');

/** Of the one user. Odd enough that finding it anywhere is no accident, and that it must be escaped in a URL. */
export const PASSWORD = 'pass/w%rd:42';
const USER = 'keycask_test';
const READY_MS = 60_000;

/** What every server runs with: little memory; and lost is what is not written, since a killed server does not take the system with it. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  shared_buffers: '16MB',
  max_connections: '120',
  fsync: 'off',
  // Commits would not wait for the log, and the log would be written every ten seconds: the store must see to it itself.
  synchronous_commit: 'off',
  wal_writer_delay: '10s',
};

export class PostgresServer {
  readonly folder: string;
  readonly port: number;
  readonly #settings: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, settings: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.port = port;
    this.#settings = settings;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const folder = ownFolder('keycask-postgres-');
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, PASSWORD);
    const data = join(folder, 'data');
    const made = spawnSync(
      initdb(),
      ['-D', data, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'],
      { ...asUser(), encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const server = new PostgresServer(folder, await freePorts(), { ...SETTINGS, ...settings });
    await server.restart();
    return server;
  }

  get url(): string {
    return this.urlOf({});
  }

  urlOf({ user = USER, password = PASSWORD, host = '127.0.0.1', database = 'postgres' }): string {
    const secret = encodeURIComponent(password);
    return `postgres://${user}:${secret}@${host}:${this.port}/${database}`;
  }

  /** Starts it where it does not run, and waits until it answers. */
  async restart(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const end = Date.now() + READY_MS;
    const args = Object.entries({ ...this.#settings, ...settings }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    while (!(await this.#answers())) {
      if (Date.now() > end) throw new Error(`PostgreSQL does not start: ${this.#log()}`);
      // One that was killed is not gone until the last of its processes is.
      if (isRunning(this.#process)) {
        await setTimeout(20);
        continue;
      }
      this.#process = spawn(
        join(dirname(initdb()), 'postgres'),
        ['-D', join(this.folder, 'data'), '-p', String(this.port), '-k', this.folder, ...args],
        { ...asUser(), stdio: ['ignore', 'ignore', 'ignore'] },
      );
      await setTimeout(50);
    }
  }

  /** Kills all its processes at once, as a power cut would. */
  async kill(): Promise<void> {
    const server = this.#process;
    // One that has ended tells so no second time.
    if (!isRunning(server) || server.pid === undefined) return;
    const children = childrenOf(server.pid);
    const ended = once(server, 'exit');
    for (const pid of [server.pid, ...children]) killPid(pid);
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One statement, as the one user. */
  async run(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async #answers(): Promise<boolean> {
    try {
      // Whoever else took the port meanwhile may know the one user too.
      const [row] = await this.run('SHOW data_directory');
      return row?.['data_directory'] === join(this.folder, 'data');
    } catch {
      return false;
    }
  }

  #log(): string {
    const { pid, exitCode } = this.#process ?? {};
    return `process ${pid}, exit code ${exitCode}`;
  }
}

/** A PgBouncer in transaction mode before a server, with fewer connections to it than it has callers. */
export class PgBouncer {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(url: string, folder: string, child: ChildProcess) {
    this.url = url;
    this.#folder = folder;
    this.#process = child;
  }

  static async start(server: PostgresServer): Promise<PgBouncer> {
    const folder = ownFolder('keycask-pgbouncer-');
    const port = await freePorts();
    const file = join(folder, 'pgbouncer.ini');
    const database = `host=127.0.0.1 port=${server.port} user=${USER} password='${PASSWORD}'`;
    const settings = [
      '[databases]',
      `postgres = ${database}`,
      '[pgbouncer]',
      'pool_mode = transaction',
      'auth_type = any',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'default_pool_size = 3',
      'max_client_conn = 200',
      // After a lost server, ask again soon.
      'server_login_retry = 0.2',
    ];
    writeFileSync(file, `${settings.join('\n')}\n`);
    const child = spawn(process.env['KEYCASK_PGBOUNCER'] ?? 'pgbouncer', ['-q', file], {
      ...asUser(),
      stdio: 'ignore',
    });
    const url = `postgres://${USER}:none@127.0.0.1:${port}/postgres`;
    const bouncer = new PgBouncer(url, folder, child);
    await bouncer.#ready();
    return bouncer;
  }

  async stop(): Promise<void> {
    if (isRunning(this.#process)) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    const end = Date.now() + READY_MS;
    for (;;) {
      const client = new Client({ connectionString: this.url });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await setTimeout(20);
      }
    }
  }
}

function initdb(): string {
  const program = process.env['KEYCASK_INITDB'] ?? 'initdb';
  if (program.includes('/')) return program;
  const found = spawnSync('sh', ['-c', `readlink -f "$(command -v ${program})"`], {
    encoding: 'utf8',
  });
  return found.stdout.trim();
}

/** PostgreSQL refuses to run as root; its packages make a user. */
function asUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout),
  );
  return { uid: uid!, gid: gid! };
}

function ownFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  const { uid, gid } = asUser();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return folder;
}

function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Linux has them in /proc. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // Second field, in brackets, is a name; the fourth is the parent.
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false;
      }
    });
}

function killPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
