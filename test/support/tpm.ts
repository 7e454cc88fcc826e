/** A TPM 2.0 of software (swtpm) behind its resource manager (tpm2-abrmd), with a token of tpm2-pkcs11 on it. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);
/** For what another process makes; 50 ms apart. */
const LOOKS = 1200;

/** Debian: a folder for each architecture. */
function findModule(): string {
  const folders = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  const paths = folders.map((folder) => `/usr/lib/${folder}/libtpm2_pkcs11.so.1`);
  return paths.find((path) => existsSync(path)) ?? '/usr/lib/libtpm2_pkcs11.so.1';
}

export const TPM_MODULE = findModule();
export const TPM_PIN = '1234';

/** Are its tests to run? Where it is missing they are left out, except on Linux under CI=true, where they then fail. */
export const hasTpm =
  process.env['KEYCASK_HAVE_TPM'] === '1' ||
  (process.env['CI'] === 'true' && process.platform === 'linux');

export interface SoftTpm {
  readonly folder: string;
  /** Ends TPM and resource manager, as when somebody takes it out. */
  takeOut(): Promise<void>;
  putBack(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Starts one, with a token of that label; the environment of this process leads to it from now on.
 *
 * @param maxTries - Wrong PINs in a row before the TPM locks itself.
 */
export async function makeSoftTpm(label: string, maxTries: number): Promise<SoftTpm> {
  const folder = await temporaryFolder();
  const [state, store] = [join(folder.path, 'state'), join(folder.path, 'store')];
  await mkdir(state);
  await mkdir(store);
  await run('swtpm_setup', ['--tpm2', '--tpmstate', state, '--overwrite']);
  const bus = await startBus();
  Object.assign(process.env, {
    DBUS_SESSION_BUS_ADDRESS: bus.address,
    TPM2_PKCS11_TCTI: 'tabrmd:bus_type=session',
    TPM2_PKCS11_STORE: store,
    // It tells of every algorithm that it has not.
    TPM2_PKCS11_LOG_LEVEL: '0',
    TSS2_LOG: 'all+NONE',
  });
  let running: ChildProcess[] = [];
  // The second is the TPM's control channel.
  const port = await freePorts(2);
  const putBack = async (): Promise<void> => {
    const channel = (type: string, at: number): string[] => [
      `--${type}`,
      `type=tcp,port=${at},bindaddr=127.0.0.1`,
    ];
    const swtpm = start('swtpm', [
      'socket',
      '--tpm2',
      '--tpmstate',
      `dir=${state}`,
      ...channel('server', port),
      ...channel('ctrl', port + 1),
      '--flags',
      'not-need-init,startup-clear',
    ]);
    await listening(port + 1);
    const tcti = `--tcti=swtpm:host=127.0.0.1,port=${port}`;
    running = [swtpm, start('tpm2-abrmd', ['--allow-root', '--session', tcti])];
    await onBus('com.intel.tss2.Tabrmd');
  };
  const takeOut = async (): Promise<void> => {
    await Promise.all(running.map(end));
    running = [];
  };
  await putBack();
  const dictionary = ['--setup-parameters', '--clear-lockout', `--max-tries=${maxTries}`];
  const times = ['--recovery-time=1000', '--lockout-recovery-time=1000'];
  await run('tpm2_dictionarylockout', [...dictionary, ...times, '-T', 'tabrmd:bus_type=session']);
  await makeToken(label);
  const remove = async (): Promise<void> => {
    await takeOut();
    await end(bus.daemon);
    await folder.remove();
  };
  return { folder: folder.path, takeOut, putBack, remove };
}

/** C_InitToken and C_InitPIN. */
async function makeToken(label: string): Promise<void> {
  const tool = (...args: readonly string[]) =>
    run('pkcs11-tool', ['--module', TPM_MODULE, '--so-pin', '5678', '--slot-index', '0', ...args]);
  await tool('--init-token', '--label', label);
  await tool('--init-pin', '--pin', TPM_PIN, '--login', '--login-type', 'so');
}

/** A message bus of our own, which tpm2-abrmd and its clients meet on. */
async function startBus(): Promise<{ readonly address: string; readonly daemon: ChildProcess }> {
  const daemon = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(daemon.stdout, 'data')) as [Buffer];
  return { address: line.toString().trim(), daemon };
}

async function onBus(name: string): Promise<void> {
  const call = [
    '--session',
    '--print-reply',
    '--dest=org.freedesktop.DBus',
    '/org/freedesktop/DBus',
  ];
  for (let n = 0; n < LOOKS; n++) {
    const method = ['org.freedesktop.DBus.NameHasOwner', `string:${name}`];
    const { stdout } = await run('dbus-send', [...call, ...method]);
    if (stdout.includes('true')) return;
    await sleep(50);
  }
  throw new Error(`${name} did not come`);
}

function start(program: string, args: readonly string[]): ChildProcess {
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
  return spawn(program, [...args], { stdio: 'ignore', env });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function listening(port: number): Promise<void> {
  for (let n = 0; n < LOOKS; n++) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isThere) return;
    await sleep(50);
  }
  throw new Error(`nothing listens at ${port}`);
}
