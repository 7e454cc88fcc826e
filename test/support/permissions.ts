/** Places where this process may not do what it wants. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';

/** Someone without rights; what `nobody` is on Linux. */
const NOBODY = 65_534;

/** Can a test lose its rights for a while? */
export const canLoseRights = process.platform !== 'win32';

/** Do files have permissions that Node can set? On Windows a folder's are theirs. */
export const hasModes = process.platform !== 'win32';

/** Can symbolic links be made? On Windows it takes a privilege, and Wine makes none although it says so. */
export const canLink = makesLinks();

function makesLinks(): boolean {
  if (process.platform !== 'win32') return true;
  const folder = mkdtempSync(join(tmpdir(), 'keycask-test-'));
  try {
    symlinkSync(folder, join(folder, 'link'));
    return lstatSync(join(folder, 'link')).isSymbolicLink();
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs `work` without root's right to read and write everything. */
export async function withoutRoot<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

export interface SmallDisk {
  readonly path: string;
  unmount(): void;
}

/** A file system of its own at `path`, or undefined where this user may not mount one. */
export function mountTmpfs(path: string, options: string): SmallDisk | undefined {
  mkdirSync(path, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return {
    path,
    unmount: () => execFileSync('umount', [path], { stdio: 'ignore' }),
  };
}

/** May this process make users, and become them? */
export const canAttack = process.platform === 'linux' && process.getuid?.() === 0;

/** `test` for a user who may mount a disk and become somebody else: left out, and said so, where he may not; a failure under CI=true. */
// oxlint-disable vitest/valid-title, vitest/no-conditional-tests, vitest/no-disabled-tests, vitest/expect-expect -- it stands for test
export function testAsRoot(name: string, body: () => Promise<void>): void {
  if (canAttack) {
    test(name, body);
  } else if (process.env['CI'] === 'true') {
    test(name, () => expect.unreachable('needs Linux and root'));
  } else {
    test.skip(`${name} (left out: needs Linux and root)`, () => {});
  }
}
