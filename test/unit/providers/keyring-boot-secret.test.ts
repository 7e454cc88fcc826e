/** The secret of a boot in the kernel's keyring of the user: real processes, real users. */
import { chownSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KeyStoreError } from '../../../lib/errors.ts';
import { systemBootSecret, type BootSecret } from '../../../lib/providers/software/index.ts';
import { Child } from '../../support/child-process.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { hasKeyring } from '../../support/keyring.ts';
import { canAttack, testAsRoot } from '../../support/permissions.ts';
import { machine } from '../../support/software-provider.ts';
import {
  publicFolder,
  throwAwayUser,
  type PublicFolder,
  type ThrowAwayUser,
} from '../../support/throw-away-user.ts';

let folder: PublicFolder;
let user: ThrowAwayUser;
let other: ThrowAwayUser;
let program: string;
let keyName: string;
let home: string;
let tmpfs: string;
let tests = 0;

beforeAll(async () => {
  if (!canAttack) return;
  folder = publicFolder();
  [user, other] = [await throwAwayUser(), await throwAwayUser()];
  program = await folder.bundle('unit/providers/children/boot-secret.ts');
});

afterAll(async () => {
  if (!canAttack) return;
  folder.remove();
  await Promise.all([user.remove(), other.remove()]);
});

beforeEach(() => {
  if (!canAttack) return;
  const unique = `${process.pid}-${tests++}`;
  keyName = `keycask-test:${unique}`;
  tmpfs = `/dev/shm/keycask-test-${unique}`;
  home = join(folder.path, `home-${unique}`);
  mkdirSync(home);
  chownSync(home, user.uid, user.gid);
  return () => rmSync(tmpfs, { recursive: true, force: true });
});

/** A process of somebody, which answers one line after the other. */
async function startAs(who: ThrowAwayUser) {
  const env = { KEYCASK_TEST_KEY: keyName, KEYCASK_TEST_TMPFS: tmpfs, KEYCASK_TEST_FOLDER: home };
  const child = Child.run([...who.through, folder.node, program], env);
  expect(await child.next()).toBe('ready');
  return {
    ask: async (line: string) => {
      child.say(line);
      return child.next<unknown>();
    },
    end: async () => {
      child.kill();
      await child.ended;
    },
  };
}

/** One question to a process of its own. */
async function askAs(who: ThrowAwayUser, line: string): Promise<unknown> {
  const started = await startAs(who);
  const answer = await started.ask(line);
  await started.end();
  return answer;
}

describe.skipIf(!hasKeyring)('the secret in the user keyring', () => {
  testAsRoot(
    'is one for all processes of the user, also those that make it at the same time',
    async () => {
      const processes = await Promise.all(Array.from({ length: 8 }, () => startAs(user)));
      const answers = await Promise.all(processes.map((started) => started.ask('create')));
      await Promise.all(processes.map((started) => started.end()));
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toMatch(/^[0-9a-f]{64}$/u);
      // Nobody of that user runs any more, and the kernel still has it.
      expect(await askAs(user, 'create')).toBe(answers[0]);
    },
  );

  testAsRoot('is not found by another user, who gets one of his own; root neither', async () => {
    const first = await askAs(user, 'create');
    expect(await askAs(other, 'present')).toBe(0);
    const root = { ...user, through: ['env'] };
    expect(await askAs(root, 'present')).toBe(0);
    expect(await askAs(other, 'create')).not.toBe(first);
  });

  testAsRoot('lies in no file', async () => {
    await askAs(user, 'create-somewhere');
    expect(await askAs(user, 'list-tmpfs')).toEqual([]);
  });
});

describe.skipIf(!hasKeyring)('per-boot keys of the software provider', () => {
  testAsRoot('are opened by other processes of the user, until the machine restarts', async () => {
    expect(await askAs(user, 'make-key boot')).toBe('made');
    expect(await askAs(user, 'open-key boot')).toBe('opened');
    expect(await askAs(user, 'restart')).toBe('restarted');
    expect(await askAs(user, 'open-key boot')).toBe('KEY_PER_BOOT_GONE');
    expect(await askAs(user, 'make-key next')).toBe('made');
    expect(await askAs(user, 'open-key next')).toBe('opened');
  });

  testAsRoot(
    'that were made under a secret on tmpfs open beside those of the keyring',
    async () => {
      expect(await askAs(user, 'make-key-on-tmpfs older')).toBe('made');
      expect(await askAs(user, 'list-tmpfs')).toEqual(['boot-secret']);
      expect(await askAs(user, 'make-key newer')).toBe('made');
      expect(await askAs(user, 'open-key older')).toBe('opened');
      expect(await askAs(user, 'open-key newer')).toBe('opened');
      rmSync(tmpfs, { recursive: true });
      expect(await askAs(user, 'open-key older')).toBe('KEY_PER_BOOT_GONE');
      expect(await askAs(user, 'open-key newer')).toBe('opened');
    },
  );

  testAsRoot('take the tmpfs where the user may have no more keys in the kernel', async () => {
    const started = await startAs(other);
    expect(await started.ask('fill')).toBe('EDQUOT');
    expect(await started.ask('create')).toBe('IO_FAILED');
    expect(await started.ask('create-somewhere')).toMatch(/^[0-9a-f]{64}$/u);
    expect(await started.ask('list-tmpfs')).toEqual(['boot-secret']);
    await started.end();
  });
});

describe('the secret of the system', () => {
  const failing = (code: 'NOT_SUPPORTED' | 'IO_FAILED'): BootSecret => ({
    present: () => Promise.reject(new KeyStoreError(code)),
    create: () => Promise.reject(new KeyStoreError(code)),
  });

  test('is that of the next place where the first has none', async () => {
    const second = machine();
    const secret = systemBootSecret([failing('NOT_SUPPORTED'), second]);
    expect(await secret.present()).toEqual([]);
    using made = await secret.create();
    const [present] = await secret.present();
    expect(Buffer.from(present!.bytes).equals(made.bytes)).toBe(true);
  });

  test('is not there where no place has one, and what fails otherwise is told', async () => {
    expect(await codeOfAsync(systemBootSecret([failing('NOT_SUPPORTED')]).create())).toBe(
      'NOT_SUPPORTED',
    );
    expect(await codeOfAsync(systemBootSecret([failing('IO_FAILED')]).present())).toBe('IO_FAILED');
  });
});
