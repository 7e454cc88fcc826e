/** Two processes that change one home at the same moment: the other one's work is done between two steps of the first. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { Home } from '../../../lib/session-key-store/home.ts';
import { Trust } from '../../../lib/trust/trust.ts';
import { newStore, type TemporaryHome } from '../../support/temporary-home.ts';

async function openStore(where: TemporaryHome): Promise<SessionKeyStore> {
  const store = await SessionKeyStore.open(where);
  onTestFinished(() => store.close());
  return store;
}

/** The first time that a new trust list was signed, and before it is entered in the manifest. */
function onceTrustIsSigned(work: () => Promise<unknown>): void {
  const sign = Trust.sign.bind(Trust);
  vi.spyOn(Trust, 'sign').mockImplementationOnce(async (...args) => {
    const trust = await sign(...args);
    await work();
    return trust;
  });
}

/** The label of a key that a process which opens the home anew can open. */
async function openAnew(where: TemporaryHome, id: string): Promise<string> {
  const store = await openStore(where);
  using key = await store.openKey(id);
  return key.label;
}

it('keeps a key that was made while a rotation was being signed', async () => {
  const { store, where } = await newStore();
  const other = await openStore(where);
  let id = '';
  onceTrustIsSigned(async () => {
    using key = await other.createKey('meanwhile');
    ({ id } = key);
  });
  expect(await store.rotateContainer()).toBe(1);
  expect(await openAnew(where, id)).toBe('meanwhile');
});

it('keeps a key that was made in memory while a rotation was being signed', async () => {
  await using store = await SessionKeyStore.inMemory();
  onceTrustIsSigned(async () => (await store.createKey('meanwhile')).dispose());
  expect(await store.rotateContainer()).toBe(1);
  (await store.openKey('meanwhile')).dispose();
});

it('rotates twice where two rotate at once, and loses nothing', async () => {
  const { store, where } = await newStore();
  using key = await store.createKey('reports');
  const other = await openStore(where);
  onceTrustIsSigned(() => other.rotateContainer());
  await store.rotateContainer();
  expect(await openAnew(where, key.id)).toBe('reports');
});

it('overwrites no container that another process has made the current one', async () => {
  const { store, where } = await newStore();
  using key = await store.createKey('reports');
  const other = await openStore(where);
  vi.spyOn(Home.prototype, 'sealLikeContainer').mockImplementationOnce(async function (this: Home) {
    await other.rotateContainer();
    await this.sealLikeContainer();
  });
  await store.rotateContainer();
  expect(await openAnew(where, key.id)).toBe('reports');
});

it('trusts a signer whom it was told of while another process rotated', async () => {
  const { store, where } = await newStore();
  await using alice = await SessionKeyStore.inMemory();
  const other = await openStore(where);
  onceTrustIsSigned(() => other.rotateContainer());
  const { keyId } = await store.trustSigner(await alice.certificate('signature'), 'alice');
  expect(other.listSigners().map(({ state }) => state)).toEqual(['retired', 'current']);
  await using anew = await SessionKeyStore.open(where);
  expect(anew.listSigners()).toContainEqual(expect.objectContaining({ keyId, state: 'pinned' }));
});

it('revokes a signer whom two processes listed at once', async () => {
  const { store, where } = await newStore();
  await using alice = await SessionKeyStore.inMemory();
  const certificate = await alice.certificate('signature');
  const other = await openStore(where);
  onceTrustIsSigned(() => other.trustSigner(certificate, 'alice'));
  const { keyId } = await store.trustSigner(certificate, 'alice');
  await store.revokeSigner('alice');
  const states = store.listSigners().filter((signer) => signer.keyId === keyId);
  expect(states.map(({ state }) => state)).toEqual(['revoked', 'revoked']);
});
