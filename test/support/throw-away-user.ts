/** Users that exist for one test, and folders whose programs they may run. */
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundle } from './bundle.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ThrowAwayUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** What runs a program as that user, without any group or right of ours. */
  readonly through: readonly string[];
  remove(): Promise<void>;
}

let made = 0;

/** Makes a user of the system. Needs root. */
export async function throwAwayUser(): Promise<ThrowAwayUser> {
  const name = `kc${process.pid}x${made++}`;
  await changeUsers('useradd', ['--system', '--no-create-home', '--user-group', name]);
  const { stdout } = await run('id', ['--user', name]);
  const { stdout: group } = await run('id', ['--group', name]);
  const [uid, gid] = [Number(stdout), Number(group)];
  return {
    name,
    uid,
    gid,
    through: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all'],
    remove: () => changeUsers('userdel', [name]),
  };
}

/** The list of users has a lock, which another test may hold. */
async function changeUsers(program: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  for (let attempt = 1; ; attempt++) {
    try {
      await run(program, args, { env });
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(100 * attempt);
    }
  }
}

export interface PublicFolder {
  readonly path: string;
  /** Node, where every user may run it. */
  readonly node: string;
  /** Bundles a file of test/ with everything that it imports. */
  bundle(file: string): Promise<string>;
  remove(): void;
}

/** A folder that every user can read, with the native packages: the checkout itself may lie where only its owner may look. */
export function publicFolder(): PublicFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'keycask-public-'));
  chmodSync(folder, 0o755);
  for (const name of NATIVE_PACKAGES)
    cpSync(path.join(ROOT, 'node_modules', name), path.join(folder, 'node_modules', name), {
      recursive: true,
    });
  const node = path.join(folder, 'node');
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  return {
    path: folder,
    node,
    bundle: async (file) => {
      const outfile = path.join(folder, `${path.basename(file, '.ts')}.mjs`);
      await bundle(path.join(ROOT, 'test', file), outfile, { external: NATIVE_PACKAGES });
      return outfile;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Their binaries are found from their own folders only. */
const NATIVE_PACKAGES = ['koffi', '@koromix', 'argon2', '@phc', 'node-addon-api', 'node-gyp-build'];
