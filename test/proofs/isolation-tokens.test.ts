/** The attack of isolation.test.ts on keys in tokens, of which the attacker knows the public half: he divides the modulus by what he finds. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { ask, AttackGround, end } from '../support/attack-ground.ts';
import { expectHidden, MANY_BYTES, numbersIn, ROOT } from '../support/attack-loot.ts';
import { applicationOf, startAgent } from '../support/attacked-agent.ts';
import { expectRow } from '../support/isolation-table.ts';
import { canAttack, testAsRoot } from '../support/permissions.ts';
import { hasSoftHsm, USER_PIN } from '../support/softhsm.ts';
import type { ThrowAwayUser } from '../support/throw-away-user.ts';
import { softHsmOf, tpmOf } from '../support/token-of-user.ts';
import { hasTpm } from '../support/tpm.ts';

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

describe.skipIf(!hasSoftHsm)('a software token (SoftHSM 2)', () => {
  testAsRoot('is in the memory of the application that loads it, as any library is', async () => {
    const place = ground.place(user);
    const token = await softHsmOf(ground, place);
    await ground.makeHome(place, { algorithm: 'rsa-2048', ...token.options }, token.environment);
    const application = await ground.application(place, token.options, token.environment);
    const modulus = String(await ask(application, 'modulus'));
    await ask(application, 'busy');
    const attack = { ...OFTEN, pids: [application.pid], modulus, files: token.folder };
    const loot = await ground.attack(user, attack);
    expect(numbersIn(loot.memory[0]!)).toEqual(['RSA p']);
    expect(loot.files).toEqual([]);
    await end(application);
    expectRow('07', {
      place: 'in the application, on a software token (`pkcs11`, SoftHSM 2)',
      memory:
        '**found**, p of RSA-2048 while it is in use: the token is a library in the application',
      disk: 'not without the PIN, which the application has',
      socket: 'there is none',
    });
  });

  testAsRoot(
    'behind an agent of another user is in neither the application nor in reach',
    async () => {
      const keeper = await ground.user();
      const token = await softHsmOf(ground, ground.place(keeper));
      const agent = await startAgent(ground, keeper, {
        users: [user.uid],
        token: token.options,
        environment: token.environment,
      });
      const { application, home } = await applicationOf(ground, agent, user, 'rsa-2048');
      const modulus = String(await ask(application, 'modulus'));
      await ask(application, 'busy');
      const attack = { ...OFTEN, modulus, files: token.folder };
      const pids = [application.pid, agent.process.pid];
      const loot = await ground.attack(user, { ...attack, pids, home, times: 5 });
      expectHidden(loot);
      expect(loot.files).toBe('EACCES');
      expect(loot.home).toBe('opened');
      const rooted = await ground.attack(ROOT, { ...attack, pids: [agent.process.pid] });
      expect(numbersIn(rooted.memory[0]!)).toEqual(['RSA p']);
      await end(application);
      await end(agent.process);
      expectRow('08', {
        place: 'in an agent of another user, on a software token (SoftHSM 2)',
        memory: 'not in the application; of the agent the kernel refuses it',
        disk: 'the kernel refuses it (EACCES)',
        socket: 'only by whom the access list names',
      });
    },
  );
});

describe.skipIf(!hasTpm)('a TPM 2.0 (tpm2-pkcs11 over swtpm)', () => {
  testAsRoot('keeps its keys from the application that uses them', async () => {
    const place = ground.place(user);
    const token = await tpmOf(ground, place);
    await ground.makeHome(place, { algorithm: 'rsa-2048', ...token.options }, token.environment);
    const application = await ground.application(place, { pin: USER_PIN }, token.environment);
    const modulus = String(await ask(application, 'modulus'));
    await ask(application, 'busy');
    const attack = { needles: [], times: 20, modulus, files: token.folder };
    const loot = await ground.attack(user, { ...attack, pids: [application.pid] });
    expect(loot.memory[0]!.found).toEqual([]);
    expect(loot.memory[0]!.bytes).toBeGreaterThan(MANY_BYTES);
    expect(await ask(application, 'uses')).toBeGreaterThan(1);
    expect(loot.files).toEqual([]);
    await end(application);
    expectRow('09', {
      place: 'in a TPM (`pkcs11`, tpm2-pkcs11; swtpm in place of the chip)',
      memory: 'not in the application',
      disk: 'not without the TPM, which wraps what lies there',
      socket: 'there is none; who has the PIN uses the key',
    });
  });
});

/** A key that is decrypted for each use. */
const OFTEN = { needles: [], times: 100 };
