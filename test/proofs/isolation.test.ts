/**
 * The attack that key isolation is against, run for real: a program that wants a private key reads the memory of every process that it can, opens the
 * key files on the disk as the library does, and asks an agent. Real users, real processes, the kernel's own answers.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { exportRawKey } from '../../lib/insecure/index.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { passphraseProtector } from '../../lib/providers/software/index.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { ask, AttackGround, end, needlesIn, type Place } from '../support/attack-ground.ts';
import { expectRow } from '../support/isolation-table.ts';
import { needlesOfBytes, type Needle } from '../support/key-needles.ts';
import type { MemoryFindings } from '../support/memory-scan.ts';
import { canAttack, testAsRoot } from '../support/permissions.ts';
import type { ThrowAwayUser } from '../support/throw-away-user.ts';

const ALGORITHMS = ['rsa-2048', 'p-256'] as const;
const PASSPHRASE = 'correct horse battery staple';

let ground: AttackGround;
let user: ThrowAwayUser;

beforeAll(async () => {
  if (!canAttack) return;
  ground = new AttackGround();
  user = await ground.user();
}, 60_000);

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
    },
  );
});

/** What a key consists of, by the names of the needles. */
const NUMBERS = { 'rsa-2048': ['RSA d', 'RSA p', 'RSA q'], 'p-256': ['EC d'] };
const WITH_PASSPHRASE = { protector: 'passphrase', passphrase: PASSPHRASE } as const;
/** Less was not all of its memory. */
const MANY_BYTES = 20 << 20;

function numbersIn({ found }: MemoryFindings): readonly string[] | undefined {
  return found && numbersOf(found);
}

/** Without the order of their bytes. */
function numbersOf(found: readonly string[] | string | undefined): readonly string[] {
  if (!Array.isArray(found)) throw new TypeError(`nothing was found: ${String(found)}`);
  return [...new Set((found as readonly string[]).map((name) => name.split(',')[0]!))].toSorted();
}

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
