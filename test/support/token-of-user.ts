/** Tokens that belong to a user of a test. */
import { execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { AttackGround, HomeOrder, Place } from './attack-ground.ts';
import { freePorts } from './free-port.ts';
import { SO_PIN, SOFTHSM_MODULE, USER_PIN } from './softhsm.ts';
import { TPM_MODULE } from './tpm.ts';

const run = promisify(execFile);
export interface TokenOfUser {
  /** What a home on it is made and opened with. */
  readonly options: Required<Pick<HomeOrder, 'provider' | 'pkcs11Module' | 'token' | 'pin'>>;
  /** Of every process that uses it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where it keeps its objects. */
  readonly folder: string;
}

/** A token of SoftHSM in the place of a user, which nobody else enters. */
export async function softHsmOf(ground: AttackGround, { home, user }: Place): Promise<TokenOfUser> {
  const folder = join(dirname(home), 'tokens');
  const configuration = join(ground.folder.path, `softhsm-${user.name}.conf`);
  mkdirSync(folder);
  chownSync(folder, user.uid, user.gid);
  writeFileSync(configuration, `directories.tokendir = ${folder}\nobjectstore.backend = file\n`);
  const environment = { SOFTHSM2_CONF: configuration };
  const [program = '', ...through] = user.through;
  const pins = ['--pin', USER_PIN, '--so-pin', SO_PIN];
  const init = ['softhsm2-util', '--init-token', '--free', '--label', LABEL, ...pins];
  await run(program, [...through, ...init], { env: { PATH: process.env['PATH'], ...environment } });
  return {
    options: { provider: 'pkcs11', pkcs11Module: SOFTHSM_MODULE, token: LABEL, pin: USER_PIN },
    environment,
    folder,
  };
}

/**
 * A token of tpm2-pkcs11 in the place of a user, on a TPM 2.0 of its own: swtpm, a process of root that stands for the chip. A resource manager of the user, on a
 * bus of his, gives out the few places for keys that a TPM has.
 */
export async function tpmOf(ground: AttackGround, { home, user }: Place): Promise<TokenOfUser> {
  const chip = mkdtempSync(join(tmpdir(), 'keycask-tpm-'));
  // tpm2-tss asks for commands at one port, and controls the TPM at the next.
  const port = await freePorts(2);
  await run('swtpm_setup', ['--tpm2', '--tpmstate', chip, '--overwrite']);
  const at = (type: string, number: number) => [type, `type=tcp,port=${number},bindaddr=127.0.0.1`];
  const state = ['--tpm2', '--tpmstate', `dir=${chip}`, '--flags', 'not-need-init,startup-clear'];
  const ports = [...at('--server', port), ...at('--ctrl', port + 1)];
  const swtpm = spawn('swtpm', ['socket', ...state, ...ports], { stdio: 'ignore' });
  ground.atEnd(() => {
    swtpm.kill();
    rmSync(chip, { recursive: true, force: true });
  });
  const folder = join(dirname(home), 'tpm');
  mkdirSync(folder);
  chownSync(folder, user.uid, user.gid);
  const environment = {
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${folder}/bus`,
    TPM2_PKCS11_STORE: folder,
    TPM2_PKCS11_TCTI: 'tabrmd:bus_type=session',
    TSS2_LOG: 'all+NONE',
  };
  const options = { env: { PATH: `${process.env['PATH']}:/usr/sbin`, ...environment } };
  const [program = '', ...through] = user.through;
  const start = (...command: string[]) => {
    const child = spawn(program, [...through, ...command], { ...options, stdio: 'ignore' });
    ground.atEnd(() => void child.kill());
  };
  const address = environment.DBUS_SESSION_BUS_ADDRESS;
  start('dbus-daemon', '--session', '--nofork', `--address=${address}`);
  await until(() => existsSync(join(folder, 'bus')));
  await until(() => canConnect(port + 1));
  start('tpm2-abrmd', '--session', `--tcti=swtpm:host=127.0.0.1,port=${port}`);
  const tool = (...args: string[]) => {
    const slot = ['pkcs11-tool', '--module', TPM_MODULE, '--slot-index', '0'];
    return run(program, [...through, ...slot, '--so-pin', SO_PIN, ...args], options);
  };
  await until(() => tool('--init-token', '--label', LABEL));
  await tool('--init-pin', '--login', '--login-type', 'so', '--pin', USER_PIN);
  return {
    options: { provider: 'pkcs11', pkcs11Module: TPM_MODULE, token: LABEL, pin: USER_PIN },
    environment,
    folder,
  };
}

/** Waits for something that another process makes. */
async function until(look: () => unknown): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const seen = await Promise.resolve()
      .then(look)
      .catch((error: unknown) => {
        if (attempt === LOOKS) throw error;
        return false;
      });
    if (seen !== false) return;
    if (attempt === LOOKS) throw new Error('it was not there in time');
    await sleep(100);
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

const LABEL = 'attacked';
/** 100 ms apart. */
const LOOKS = 600;
