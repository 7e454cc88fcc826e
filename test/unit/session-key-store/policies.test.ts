/** The policy minimum-protection: set, shown, removed, and what is refused under it. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Posture } from '../../../lib/contracts/provider.ts';
import type { ProtectionLevel } from '../../../lib/contracts/protection-level.ts';
import { openHome } from '../../../lib/session-key-store/open-home.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { SoftwareKey } from '../../../lib/providers/software/software-key.ts';
import type { StoredProperties } from '../../../lib/providers/rules/key-properties.ts';
import { newStore, type TemporaryHome } from '../../support/temporary-home.ts';

test('a home demands nothing until a level is set, and nothing after it was removed', async () => {
  const { store, where } = await newStore();
  expect(store.listPolicies()).toEqual({});
  expect(await store.setMinimumProtection('this process')).toEqual({
    minimumProtection: 'this process',
  });
  await using again = await SessionKeyStore.open(where);
  expect(again.listPolicies()).toEqual({ minimumProtection: 'this process' });
  expect(await again.setMinimumProtection(undefined)).toEqual({});
  expect(store.listPolicies()).toEqual({ minimumProtection: 'this process' });
  (await store.createKey('x')).dispose();
  expect(store.listPolicies()).toEqual({});
});

test('a level above that of the home is refused: it would lock itself out', async () => {
  const { store } = await newStore();
  const refused = await failure(store.setMinimumProtection('token'));
  expect(refused.code).toBe('POLICY_REFUSED');
  expect(refused.message).toContain('in a token or TPM ("token")');
  expect(refused.message).toContain('in this process ("this process")');
  expect(refused.hint).toContain('keycask doctor');
  expect(store.listPolicies()).toEqual({});
  await expect(store.setMinimumProtection('LSASS')).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
  });
});

test('a level that there is not is a wrong parameter', async () => {
  const { store } = await newStore();
  const level = 'vault' as ProtectionLevel;
  await expect(store.setMinimumProtection(level)).rejects.toMatchObject({
    code: 'PARAMETER_INVALID',
  });
});

test('a home is not opened by a provider that is weaker than it demands, nor made to forget it', async () => {
  const { where } = await demanding('agent, other user');
  const refused = await failure(SessionKeyStore.open(where));
  expect(refused.code).toBe('POLICY_REFUSED');
  expect(refused.message).toContain('in an agent of another user ("agent, other user")');
  expect(refused.message).toContain('of the container default are in this process');
  // To list and verify, no private key is opened.
  await using readOnly = await SessionKeyStore.open({ ...where, readOnly: true });
  expect(readOnly.listPolicies()).toEqual({ minimumProtection: 'agent, other user' });
  await expect(readOnly.setMinimumProtection(undefined)).rejects.toMatchObject({
    code: 'PASSWORD_REQUIRED',
  });
});

test('an agent of the same user whose keys lie under a machine secret does not satisfy a policy that wants one', async () => {
  const { where } = await demanding('agent, same user');
  {
    using _ = keysAre('agent, same user', 'this process');
    const refused = await failure(SessionKeyStore.open(where));
    expect(refused.code).toBe('POLICY_REFUSED');
    expect(refused.message).toContain('in an agent of the same user');
    expect(refused.message).toContain('counts as in this process ("this process")');
    expect(refused.hint).toContain('passphrase');
  }
  using _ = keysAre('agent, same user', 'agent, same user');
  await using store = await SessionKeyStore.open(where);
  (await store.createKey('x')).dispose();
});

test('a process that has the home open sees a policy that another one sets', async () => {
  const { store, where } = await newStore();
  const other = await openHome(where);
  onTestFinished(() => other.close());
  await demand(other, 'VBS');
  await expect(store.createKey('x')).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
});

test('a container below the policy is neither made nor brought in, and nothing of it stays', async () => {
  const strong = keysAre('token', 'token');
  const { store } = await newStore();
  await store.setMinimumProtection('token');
  await using source = await SessionKeyStore.inMemory();
  const keys = await source.exportContainer();
  strong[Symbol.dispose]();
  // New keys are weaker than those that are open.
  await expect(store.createContainer('archive')).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  await expect(store.importContainer('brought', keys)).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
  });
  expect(await namesOf(store)).toEqual(['default']);
  keys.exchange.dispose();
  keys.signature?.dispose();
});

test('a rotation to a weaker container is refused, and the home keeps the one that it has', async () => {
  const strong = keysAre('agent, other user', 'agent, other user');
  const { store, where } = await newStore();
  await store.setMinimumProtection('agent, other user');
  strong[Symbol.dispose]();
  await expect(store.rotateContainer()).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  expect(await namesOf(store)).toEqual(['default']);
  using _ = keysAre('agent, other user', 'agent, other user');
  await using again = await SessionKeyStore.open(where);
  (await again.createKey('x')).dispose();
  expect(await again.rotateContainer()).toBe(1);
});

test('a policy that this release does not know is refused, not ignored', async () => {
  for (const policy of [
    ['escrow', 'always'],
    ['minimum-protection', 'vault'],
  ] as const) {
    const { where } = await newStore();
    const home = await openHome(where);
    await expect(
      home.commitTrust((list) => ({ ...list, policies: [policy] })),
    ).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
    await home.close();
    for (const readOnly of [false, true])
      await expect(SessionKeyStore.open({ ...where, readOnly })).rejects.toMatchObject({
        code: 'POLICY_REFUSED',
      });
  }
});

test('the doctor tells level, readers and policy', async () => {
  const { store } = await newStore();
  await store.setMinimumProtection('this process');
  const { protection, policies, checks } = await store.doctor();
  expect(protection).toEqual({
    level: 'this process',
    words: 'in this process',
    couldRead: { inMemory: 'the same user and root', onDisk: 'the same user and root' },
  });
  expect(policies).toEqual({ minimumProtection: 'this process' });
  expect(checks.find(({ name }) => name === 'protection')?.detail).toContain('in this process');
});

/** A home with a policy that its own keys do not satisfy: somebody moved it to a weaker provider. */
async function demanding(level: ProtectionLevel): Promise<{ where: TemporaryHome }> {
  const strong = keysAre('VBS', 'VBS');
  const { store, where } = await newStore();
  await store.setMinimumProtection(level);
  await store.close();
  strong[Symbol.dispose]();
  return { where };
}

async function demand(home: Awaited<ReturnType<typeof openHome>>, level: ProtectionLevel) {
  using _ = keysAre('VBS', 'VBS');
  await home.closeContainer(home.trust.current.container.name);
  await home.commitTrust((list) => ({ ...list, policies: [['minimum-protection', level]] }));
}

/** The software provider's keys tell, until disposed of, another posture: that of a provider which this machine may not have. */
function keysAre(inMemory: ProtectionLevel, level: ProtectionLevel): Disposable {
  const { posture } = Object.getOwnPropertyDescriptors(SoftwareKey.prototype);
  const spy = vi.spyOn(SoftwareKey.prototype, 'posture').mockImplementation(function (
    this: SoftwareKey,
    properties: StoredProperties,
  ): Posture {
    return { ...posture.value!.call(this, properties), inMemory, level };
  });
  onTestFinished(() => spy.mockRestore());
  return { [Symbol.dispose]: () => spy.mockRestore() };
}

async function namesOf(store: SessionKeyStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.listContainers()) names.push(name);
  return names;
}

async function failure(
  work: Promise<unknown>,
): Promise<{ code: string; message: string; hint: string }> {
  return work.then(
    () => expect.unreachable('it is refused'),
    (error: unknown) => error as { code: string; message: string; hint: string },
  );
}
