/** Tokens that belong to a user of a test. */
import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import type { AttackGround, HomeOrder, Place } from './attack-ground.ts';
import { SO_PIN, SOFTHSM_MODULE, USER_PIN } from './softhsm.ts';

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

const LABEL = 'attacked';
