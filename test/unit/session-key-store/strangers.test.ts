/** What other people give: signers, containers, records. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { newStore, secretText } from '../../support/temporary-home.ts';

describe('a signer', () => {
  it('needs a name', async () => {
    const { store } = await newStore();
    await using alice = await SessionKeyStore.inMemory();
    const certificate = await alice.certificate('signature');
    expect(await codeOfAsync(store.trustSigner(certificate, ''))).toBe('PARAMETER_INVALID');
    expect((await store.trustSigner(certificate, 'alice')).state).toBe('pinned');
  });

  it('is trusted in a home whose empty folders were lost when it was copied', async () => {
    const { store, where } = await newStore();
    await using alice = await SessionKeyStore.inMemory();
    await rm(join(where.home, 'pending'), { recursive: true });
    expect((await store.trustSigner(await alice.certificate('signature'))).state).toBe('pinned');
  });

  it('who was revoked does not come back as the signer of a container', async () => {
    const { store } = await newStore();
    await using inMemory = await SessionKeyStore.inMemory();
    await using alice = await SessionKeyStore.inMemory();
    const { exchange, signature, certificates } = await alice.exportContainer();
    using _exchange = exchange;
    using _signature = signature!;
    for (const home of [store, inMemory]) {
      await home.trustSigner(certificates!.signing, 'alice');
      await home.revokeSigner('alice');
      for (const keys of [
        { exchange, signature: signature!, certificates: certificates! },
        { exchange, signature: signature! },
      ]) {
        expect(await codeOfAsync(home.importContainer('hers', keys))).toBe('POLICY_REFUSED');
        expect(home.listSigners().map(({ state }) => state)).toEqual(['current', 'revoked']);
      }
    }
    expect(await codeOfAsync(store.showContainer('hers'))).toBe('CONTAINER_NOT_FOUND');
  });
});

describe('a record that is re-wrapped outside the store', () => {
  it("says under one's own signature that somebody else made it", async () => {
    await using store = await SessionKeyStore.inMemory();
    await using alice = await SessionKeyStore.inMemory();
    using password = secretText('shared');
    const recipients = [await store.certificate('exchange')];
    using key = await alice.createKey('hers', { password, recipients });
    const record = await alice.exportRecord(key.id);
    const unsigned = await store.rewrapRecord(record, { password });
    expect(store.verifyRecord(unsigned)).toMatchObject({
      provenance: 'imported-unsigned',
      decryptOnly: true,
    });
    await store.trustSigner(await alice.certificate('signature'));
    expect(store.verifyRecord(await store.rewrapRecord(record))).toMatchObject({
      provenance: 'imported-signed',
      decryptOnly: true,
    });
  });

  it('stays what it was where a container of this home signed it, a replaced one included', async () => {
    const { store } = await newStore();
    using key = await store.createKey('own');
    const record = await store.exportRecord(key.id);
    for (const rotate of [false, true]) {
      if (rotate) await store.rotateContainer();
      const rewrapped = await store.rewrapRecord(record);
      expect(store.verifyRecord(rewrapped)).toMatchObject({
        provenance: 'generated',
        decryptOnly: false,
      });
    }
  });
});
