/** What the cache of opened keys must not answer. */
import { describe, expect, it, vi } from 'vitest';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { SessionKey } from '../../../lib/keys/session-key.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { Home } from '../../../lib/session-key-store/home.ts';
import { KeyCache } from '../../../lib/session-key-store/key-cache.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { secretText } from '../../support/temporary-home.ts';

const SOURCE = { record: new Uint8Array(32), trust: 'pinned 1' };

function sampleKey(): SessionKey {
  const facts = { id: '00'.repeat(16), label: 'x', algorithm: 0x6610, effectiveBits: 256 };
  return new SessionKey(SecretBytes.random(32), { ...facts, decryptOnly: false });
}

describe('KeyCache', () => {
  it('answers for the same record, trust and password only', () => {
    const cache = new KeyCache();
    using key = sampleKey();
    using password = secretText('right');
    using wrong = secretText('wrong');
    cache.set({ ...SOURCE, password }, key);
    cache.get({ ...SOURCE, password })!.dispose();
    expect(cache.get({ ...SOURCE, password: wrong })).toBeUndefined();
    expect(cache.get(SOURCE)).toBeUndefined();
    expect(cache.get({ ...SOURCE, password, trust: 'pinned 2' })).toBeUndefined();
    expect(cache.get({ ...SOURCE, password, record: new Uint8Array(32).fill(1) })).toBeUndefined();
    cache.clear();
  });

  it('keeps nothing longer where the clock is set back, and nothing once it is closed', () => {
    let now = 1_000_000;
    const cache = new KeyCache({ maxAgeMs: 1000 }, () => now);
    using key = sampleKey();
    cache.set(SOURCE, key);
    now -= 1;
    expect(cache.get(SOURCE)).toBeUndefined();
    cache.close();
    cache.set(SOURCE, key);
    expect(cache.size).toBe(0);
  });
});

describe('a store', () => {
  it('refuses a wrong password although the right one was given a moment ago', async () => {
    await using ours = await SessionKeyStore.inMemory();
    await using theirs = await SessionKeyStore.inMemory();
    using password = secretText('right');
    using wrong = secretText('wrong');
    const file = await theirs.encrypt(new Uint8Array(3), { password, headerOnly: true });
    expect(await ours.decrypt(file, { password })).toHaveLength(3);
    expect(await codeOfAsync(ours.decrypt(file, { password: wrong }))).toBe('PASSWORD_WRONG');
    expect(await codeOfAsync(ours.decrypt(file))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    await ours.trustSigner(await theirs.certificate('signature'), 'theirs');
    expect(await ours.decrypt(file, { password })).toHaveLength(3);
    expect(await codeOfAsync(ours.decrypt(file, { password: wrong }))).toBe('PASSWORD_WRONG');
    expect(await codeOfAsync(ours.decrypt(file))).toBe('PASSWORD_REQUIRED');
  });

  it('forgets what was opened while its signer was being revoked', async () => {
    await using ours = await SessionKeyStore.inMemory();
    await using theirs = await SessionKeyStore.inMemory();
    await ours.trustSigner(await theirs.certificate('signature'), 'theirs');
    const recipients = [await ours.certificate('exchange')];
    const file = await theirs.encrypt(new Uint8Array(3), { recipients });
    vi.spyOn(Home.prototype, 'exchangeKeys').mockImplementationOnce(async function (
      this: Home,
      record,
    ) {
      await ours.revokeSigner('theirs');
      return this.exchangeKeys(record);
    });
    await ours.decrypt(file);
    expect(await codeOfAsync(ours.decrypt(file))).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });
});
