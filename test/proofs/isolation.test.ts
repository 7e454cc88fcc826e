/**
 * The attack that key isolation is against, run for real: a program that wants a private key reads the memory of every process that it can, opens the
 * key files on the disk as the library does, and asks an agent. Real users, real processes, the kernel's own answers.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { AccessRule } from '../../lib/agent/index.ts';
import { exportRawKey } from '../../lib/insecure/index.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { passphraseProtector } from '../../lib/providers/software/index.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { ask, AttackGround, end, needlesIn, type Place } from '../support/attack-ground.ts';
import { expectHidden, MANY_BYTES, numbersIn, numbersOf, ROOT } from '../support/attack-loot.ts';
import { applicationOf, startAgent } from '../support/attacked-agent.ts';
import { keycask } from '../support/command-line.ts';
import { expectRow } from '../support/isolation-table.ts';
import { needlesOfBytes, type Needle } from '../support/key-needles.ts';
import { canAttack, testAsRoot } from '../support/permissions.ts';
import type { ThrowAwayUser } from '../support/throw-away-user.ts';
import { statusOf } from '../unit/agent/children/status-of.ts';

const ALGORITHMS = ['rsa-2048', 'p-256'] as const;
const PASSPHRASE = 'correct horse battery staple';

let ground: AttackGround;
let user: ThrowAwayUser;

beforeAll(async () => {
  if (!canAttack) return;
  ground = new AttackGround();
  user = await ground.user();
});

afterAll(async () => {
  if (canAttack) await ground.remove();
});

describe('the software provider in the application', () => {
  testAsRoot(
    'another program of the user finds its private keys in memory, and opens the key files',
    async () => {
      for (const algorithm of ALGORITHMS) {
        const place = ground.place(user);
        await ground.makeHome(place, { algorithm });
        const needles = await needlesIn(place);
        const application = await ground.application(place);
        const loot = await ground.attack(user, { pids: [application.pid], needles, disk: place });
        expect(loot.ptrace).toEqual(['attached']);
        expect(numbersIn(loot.memory[0]!)).toEqual(NUMBERS[algorithm]);
        expect(numbersOf(loot.disk)).toEqual(NUMBERS[algorithm]);
        await end(application);
      }
      expectRow('01', {
        place: 'in the application (`software`, `machine-secret`)',
        memory: '**found**: p, q and d of RSA-2048, the scalar of P-256',
        disk: '**found**: the same user reads the machine secret',
        socket: 'there is none',
      });
    },
  );

  testAsRoot('a passphrase closes the disk, not the memory', async () => {
    for (const algorithm of ALGORITHMS) {
      const place = ground.place(user);
      await ground.makeHome(place, { algorithm, ...WITH_PASSPHRASE });
      const needles = await needlesIn(place, passphraseOf());
      const application = await ground.application(place, WITH_PASSPHRASE);
      const loot = await ground.attack(user, { pids: [application.pid], needles, disk: place });
      expect(numbersIn(loot.memory[0]!)).toEqual(NUMBERS[algorithm]);
      expect(loot.disk).toBe('PROTECTOR_UNAVAILABLE');
      await end(application);
    }
    expectRow('02', {
      place: 'in the application (`software`, `passphrase`)',
      memory: '**found**',
      disk: 'not without the passphrase',
      socket: 'there is none',
    });
  });
});

describe('an agent of the same user', () => {
  testAsRoot(
    'hides its memory; under a machine secret the user opens the key files himself',
    async () => {
      for (const algorithm of ALGORITHMS) {
        const agent = await startAgent(ground, user, { users: [user.uid] });
        const { application, home } = await applicationOf(ground, agent, user, algorithm);
        const needles = await needlesIn(agent.place);
        const loot = await ground.attack(user, {
          pids: [application.pid, agent.process.pid],
          needles,
          disk: agent.place,
          home,
          agent: { socket: agent.socket, agentUser: user.uid, key: 'keycask' },
        });
        expectHidden(loot);
        expect(numbersOf(loot.disk)).toEqual(NUMBERS[algorithm]);
        expect(loot.home).toBe('opened');
        expect(loot.agent).toEqual({ open: 'opened', export: 'AGENT_ACCESS_DENIED' });
        await end(application);
        await end(agent.process);
      }
      expectRow('03', {
        place: 'in an agent of the same user (`machine-secret`)',
        memory: 'not in the application; of the agent the kernel refuses it (EACCES, ptrace EPERM)',
        disk: '**found**: the same user reads the machine secret',
        socket: '**yes**, by every program of the user; never given out',
      });
    },
  );

  testAsRoot('with a passphrase lets its keys be used, not read', async () => {
    for (const algorithm of ALGORITHMS) {
      const agent = await startAgent(ground, user, { users: [user.uid], passphrase: PASSPHRASE });
      const { application, home } = await applicationOf(ground, agent, user, algorithm);
      const needles = await needlesIn(agent.place, passphraseOf());
      const loot = await ground.attack(user, {
        pids: [application.pid, agent.process.pid],
        needles,
        disk: agent.place,
        home,
      });
      expectHidden(loot);
      expect(loot.disk).toBe('PROTECTOR_UNAVAILABLE');
      expect(loot.home).toBe('opened');
      await end(application);
      await end(agent.process);
    }
    expectRow('04', {
      place: 'in an agent of the same user (`passphrase`)',
      memory: 'not in the application; of the agent the kernel refuses it',
      disk: 'not without the passphrase',
      socket: '**yes**, by every program of the user, while it is unlocked',
    });
  });
});

testAsRoot(
  'the agent that the command line starts is hardened, with key material on locked pages',
  async () => {
    const { home, stateFolder } = ground.place(user);
    const where = { home, stateFolder };
    const passphrase = join(ground.openFolder(user), 'passphrase');
    writeFileSync(passphrase, `${PASSPHRASE}\n`);
    const folder = join(stateFolder, 'agent');
    const socket = join(folder, 'agent.sock');
    const run = (...args: string[]) => {
      const given = ['--socket', socket, '--passphrase-file', passphrase, '--json'];
      return keycask(where, ['agent', ...args, ...given], {
        through: user.through,
        cwd: '/',
      });
    };
    const started = await run('start', '--folder', folder, '--protector', 'passphrase');
    expect(started.code, started.stderr).toBe(0);
    const { pid, level } = JSON.parse(started.stdout.toString()) as { pid: number; level: string };
    ground.atEnd(() => endProcess(pid));
    expect(level).toBe('agent, same user');
    const { memory, ptrace } = await ground.attack(user, { pids: [pid], needles: [] });
    expect([memory, ptrace]).toEqual([[{ refused: 'EACCES' }], ['EPERM']]);
    const { NoNewPrivs, VmLck } = statusOf(pid);
    expect(NoNewPrivs).toBe('1');
    expect(Number.parseInt(VmLck!, 10)).toBeGreaterThan(1000);
    expect((await run('stop')).code).toBe(0);
  },
);

describe('an agent of another user', () => {
  testAsRoot('lets its keys be used as its access list says, and nothing more', async () => {
    const [keeper, guest, stranger] = [
      await ground.user(),
      await ground.user(),
      await ground.user(),
    ];
    const access: AccessRule[] = [
      { users: [user.uid], rights: ['list', 'create', 'change', 'unwrap', 'sign'] },
      { users: [guest.uid], keys: ['other*'], rights: ['list', 'unwrap', 'sign'] },
    ];
    for (const algorithm of ALGORITHMS) {
      const agent = await startAgent(ground, keeper, {
        users: [user.uid, guest.uid],
        access,
      });
      const { application, home } = await applicationOf(ground, agent, user, algorithm);
      const attack = {
        pids: [application.pid, agent.process.pid],
        needles: await needlesIn(agent.place),
        disk: agent.place,
        agent: { socket: agent.socket, agentUser: keeper.uid, key: 'keycask' },
      };
      const loot = await ground.attack(user, { ...attack, home });
      expectHidden(loot);
      expect(loot.disk).toBe('EACCES');
      expect(loot.home).toBe('opened');
      expect(loot.agent).toEqual({ open: 'opened', export: 'AGENT_ACCESS_DENIED' });
      const { memory, disk, agent: asked, ptrace } = await ground.attack(stranger, attack);
      expect(memory).toEqual([{ refused: 'EACCES' }, { refused: 'EACCES' }]);
      expect(ptrace).toEqual(['EPERM', 'EPERM']);
      expect(disk).toBe('EACCES');
      expect(asked).toEqual({ open: 'AGENT_ACCESS_DENIED', export: 'AGENT_ACCESS_DENIED' });
      // What nobody else sees is there: root finds it, by the same scan.
      const rooted = await ground.attack(ROOT, attack);
      expect(numbersIn(rooted.memory[1]!)).toEqual(NUMBERS[algorithm]);
      expect(numbersOf(rooted.disk)).toEqual(NUMBERS[algorithm]);
      const { agent: askedByGuest } = await ground.attack(guest, attack);
      expect(askedByGuest).toEqual({ open: 'AGENT_ACCESS_DENIED', export: 'AGENT_ACCESS_DENIED' });
      await end(application);
      await end(agent.process);
    }
    expectRow('05', {
      place: 'in an agent of another user (`machine-secret`)',
      memory: 'not in the application; of the agent the kernel refuses it',
      disk: 'the kernel refuses it (EACCES)',
      socket:
        'only by whom the access list names, for the keys that it names; others get AGENT_ACCESS_DENIED',
    });
    expectRow('06', {
      place: 'the same, attacked by root',
      memory: '**found** in the agent',
      disk: '**found**',
      socket: 'root becomes any user',
    });
  });
});

describe('a session key', () => {
  testAsRoot(
    'is in the memory of the application while it is open, and no more once it is disposed of',
    async () => {
      const place = ground.place(user);
      await ground.makeHome(place, {});
      const needles = await sessionKeyOf(place);
      const application = await ground.application(place);
      const attack = { pids: [application.pid], needles };
      expect((await ground.attack(user, attack)).memory[0]!.found).toEqual(['session key']);
      await ask(application, 'dispose');
      const { memory } = await ground.attack(user, attack);
      expect(memory[0]!.found).toEqual([]);
      expect(memory[0]!.bytes).toBeGreaterThan(MANY_BYTES);
      await end(application);
      expectRow('21', {
        place: 'a session key, open in the application',
        memory: '**found**: the application encrypts with it',
        disk: 'wrapped, as long as the private key is out of reach',
        socket: 'it comes from there',
      });
      expectRow('22', {
        place: 'a session key that was disposed of',
        memory: 'not found',
        disk: 'the same',
        socket: 'the same',
      });
    },
  );
});

/** It may have ended by itself. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What a key consists of, by the names of the needles. */
const NUMBERS = { 'rsa-2048': ['RSA d', 'RSA p', 'RSA q'], 'p-256': ['EC d'] };
const WITH_PASSPHRASE = { protector: 'passphrase', passphrase: PASSPHRASE } as const;
function passphraseOf() {
  return passphraseProtector({
    passphrase: () => Promise.resolve(SecretBytes.copy(Buffer.from(PASSPHRASE))),
  });
}

async function sessionKeyOf(place: Place): Promise<Needle[]> {
  await using store = await SessionKeyStore.open(place);
  using key = await store.openKey('demo');
  return needlesOfBytes('session key', exportRawKey(key));
}
