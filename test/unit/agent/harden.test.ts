/** A hardened process against others of the same user, and of another one: real processes, real users. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanEnvironment } from '../../../lib/agent/clean-environment.ts';
import { SECURE_HEAP_ARGUMENTS } from '../../../lib/agent/harden.ts';
import { describeHardening, type HardeningReport } from '../../../lib/agent/hardening-report.ts';
import { Child } from '../../support/child-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { canAttack, testAsRoot } from '../../support/permissions.ts';
import {
  publicFolder,
  throwAwayUser,
  type PublicFolder,
  type ThrowAwayUser,
} from '../../support/throw-away-user.ts';
import { statusOf } from './children/status-of.ts';

const SECRET = 'keycask-test-secret-in-memory-32';

/** What a process tells of itself (children/hardened.ts). */
interface Told {
  readonly report?: HardeningReport;
  readonly address: string;
  readonly lockedKiB: readonly [number, number];
  readonly environment: readonly string[];
  readonly mask: number;
}

let folder: PublicFolder;
let user: ThrowAwayUser;
let other: ThrowAwayUser;
let hardened: string;
let reader: string;
let debugPort: number;

beforeAll(async () => {
  if (!canAttack) return;
  folder = publicFolder();
  debugPort = await freePorts();
  [user, other] = [await throwAwayUser(), await throwAwayUser()];
  hardened = await folder.bundle('unit/agent/children/hardened.ts');
  reader = await folder.bundle('unit/agent/children/reader.ts');
});

afterAll(async () => {
  if (!canAttack) return;
  folder.remove();
  await Promise.all([user.remove(), other.remove()]);
});

async function withProcess(
  mode: 'plain' | 'hardened',
  use: (child: Child, told: Told) => Promise<void>,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const nodeArguments = [...SECURE_HEAP_ARGUMENTS, `--inspect-port=${debugPort}`];
  const program = [...user.through, folder.node, ...nodeArguments, hardened, mode];
  const child = Child.run(program, env);
  try {
    await use(child, await child.next<Told>());
  } finally {
    child.kill();
    await child.ended;
  }
}

async function readAs(
  who: ThrowAwayUser,
  child: Child,
  { address }: Told,
  port?: number,
): Promise<Record<string, string>> {
  const attacker = Child.run([
    ...who.through,
    folder.node,
    reader,
    String(child.pid),
    address,
    ...(port === undefined ? [] : [String(port)]),
  ]);
  const told = await attacker.next<Record<string, string>>();
  expect((await attacker.ended).code).toBe(0);
  return told;
}

describe('another process of the same user', () => {
  testAsRoot('reads everything of a process that is not hardened', () =>
    withProcess('plain', async (child, told) => {
      expect(await readAs(user, child, told)).toEqual({
        mem: SECRET,
        vm: SECRET,
        environ: expect.stringContaining('PATH=') as unknown,
        maps: 'read',
        descriptors: expect.not.stringContaining('EACCES') as unknown,
        ptrace: 'attached',
        debugger: 'not tried',
      });
    }),
  );

  testAsRoot(
    'reads nothing of a hardened one: the kernel refuses memory, environment, descriptors and ptrace, node opens no debugger',
    () =>
      withProcess('hardened', async (child, told) => {
        expect(await readAs(user, child, told, debugPort)).toEqual({
          mem: 'EACCES',
          vm: 'EPERM',
          environ: 'EACCES',
          maps: 'EACCES',
          descriptors: 'EACCES',
          ptrace: 'EPERM',
          debugger: 'closed',
        });
      }),
  );

  testAsRoot('is let in by the debugger of a process that is not hardened, with one signal', () =>
    withProcess('plain', async (child, told) => {
      expect(await readAs(user, child, told, debugPort)).toMatchObject({ debugger: 'open' });
    }),
  );
});

testAsRoot('a process of another user reads nothing, hardened or not', async () => {
  for (const mode of ['plain', 'hardened'] as const)
    await withProcess(mode, async (child, told) => {
      expect(await readAs(other, child, told, debugPort)).toEqual({
        mem: 'EACCES',
        vm: 'EPERM',
        environ: 'EACCES',
        maps: 'EACCES',
        descriptors: 'EACCES',
        ptrace: 'EPERM',
        debugger: 'EPERM',
      });
    });
});

testAsRoot('root reads a hardened process: nothing here is against him', () =>
  withProcess('hardened', async (child, { address }) => {
    const attacker = Child.run([folder.node, reader, String(child.pid), address]);
    expect(await attacker.next()).toMatchObject({ mem: SECRET, vm: SECRET, ptrace: 'attached' });
    await attacker.ended;
  }),
);

describe('a hardened process', () => {
  testAsRoot('has what its report says, by the word of the kernel', () =>
    withProcess('hardened', async (child, { report, mask, lockedKiB }) => {
      const inForce = report!.measures.filter(({ isInForce }) => isInForce).map(({ name }) => name);
      expect(inForce).toEqual(expect.arrayContaining(ALWAYS_ON_LINUX));
      expect(statusOf(child.pid)).toMatchObject({ NoNewPrivs: '1' });
      expect(mask).toBe(0o077);
      // The secure heap was locked before; secrets come on top.
      expect(lockedKiB[0]).toBeGreaterThan(0);
      expect(lockedKiB[1]).toBeGreaterThan(lockedKiB[0]);
    }),
  );

  testAsRoot(
    'has an environment without what it does not need, and says what took effect before',
    () =>
      withProcess(
        'hardened',
        async (_, { environment, report }) => {
          expect(environment).toEqual(['HOME', 'KEYCASK_HOME', 'LC_ALL', 'PATH', 'SOFTHSM2_CONF']);
          expect(report!.measures.find(({ name }) => name === 'clean-start')).toMatchObject({
            isInForce: false,
            detail: expect.stringContaining('LD_PRELOAD, NODE_OPTIONS was set') as unknown,
          });
        },
        {
          HOME: '/nonexistent',
          LC_ALL: 'C',
          KEYCASK_HOME: '/x',
          SOFTHSM2_CONF: '/y',
          LD_PRELOAD: '',
          NODE_OPTIONS: '',
          AWS_SECRET_ACCESS_KEY: 'z',
        },
      ),
  );

  testAsRoot('lives on when V8 gives memory back: workers end, garbage is collected', () =>
    withProcess('hardened', async (child) => {
      child.say('make garbage');
      expect(await child.next()).toBe('made');
    }),
  );
});

const ALWAYS_ON_LINUX = [
  'not-dumpable',
  'no-debugger',
  'no-core-file',
  'no-new-privileges',
  'secrets-locked',
  'private-keys-locked',
  'clean-environment',
  'clean-start',
  'umask',
];

test('an environment is cleaned by a list of what stays, and by names that the caller adds', () => {
  const environment = {
    PATH: '/bin',
    LANG: 'C',
    DYLD_INSERT_LIBRARIES: 'x',
    MINE: '1',
    OTHER: '2',
  };
  const [cleaned, start] = cleanEnvironment(environment, ['MINE']);
  expect(environment).toEqual({ PATH: '/bin', LANG: 'C', MINE: '1' });
  expect(cleaned).toMatchObject({ isInForce: true, detail: 'variables removed: 2, kept: 3' });
  expect(start).toMatchObject({ isInForce: false });
  expect(start!.detail).toContain('DYLD_INSERT_LIBRARIES was set');
});

test('the report in words says what is missing, and why', () => {
  const measures = [
    { name: 'not-dumpable', isInForce: true, detail: 'good' },
    { name: 'not-swapped', isInForce: false, detail: 'swap is there' },
  ] as const;
  expect(describeHardening({ measures })).toEqual([
    'not dumpable: good',
    'missing: not swapped: swap is there',
  ]);
});
