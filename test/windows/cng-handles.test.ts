/** Handles of the cng provider: none is left open and none is freed twice, whoever closes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { message } from '../../lib/testing/provider/test-messages.ts';
import { isDouble, keepsKeys, makeKey, newName, openHandles } from '../support/cng.ts';
import { codeOfAsync } from '../support/errors.ts';
import { useOwnKeys } from '../support/own-keys.ts';

useOwnKeys();

/** Windows opens handles of its own now and then; a leak would be thousands. */
const TOLERANCE = isDouble ? 0 : 100;

let before: number;
beforeEach(async () => {
  // What is loaded once is loaded before it is counted.
  await using provider = await openCngProvider();
  await (await makeKey(provider, null, 'RSA')).close();
  await provider.close();
  before = await openHandles();
});
afterEach(async () => {
  expect((await openHandles()) - before).toBeLessThanOrEqual(TOLERANCE);
});

describe.skipIf(!keepsKeys)('handles of keys that last', () => {
  it('are freed: 10,000 times opened and closed', { timeout: 300_000 }, async () => {
    await using provider = await openCngProvider();
    const name = newName();
    await using key = await makeKey(provider, name);
    const half = await openHandles();
    for (let round = 0; round < 10_000; round++)
      await (await provider.openKey(name, 'AT_SIGNATURE')).close();
    expect((await openHandles()) - half).toBeLessThanOrEqual(TOLERANCE);
    await key.delete();
  });

  it('are freed by the deletion: 1,000 keys made and deleted', { timeout: 300_000 }, async () => {
    await using provider = await openCngProvider();
    const name = newName();
    const own = await openHandles();
    for (let round = 0; round < 1_000; round++) {
      const key = await makeKey(provider, name);
      await key.delete();
      await key.close();
    }
    expect((await openHandles()) - own).toBeLessThanOrEqual(TOLERANCE);
    expect(await codeOfAsync(provider.openKey(name, 'AT_SIGNATURE'))).toBe('CONTAINER_NOT_FOUND');
  });

  it('are freed after failures: names that are taken, not there, or wrong', async () => {
    await using provider = await openCngProvider();
    const name = newName();
    await using key = await makeKey(provider, name);
    const own = await openHandles();
    for (let round = 0; round < 50; round++) {
      expect(await codeOfAsync(makeKey(provider, name))).toBe('CONTAINER_EXISTS');
      expect(await codeOfAsync(provider.openKey(`${name} no`, 'AT_SIGNATURE'))).toBe(
        'CONTAINER_NOT_FOUND',
      );
      expect(await codeOfAsync(key.setProperty('length', 2048))).toBe('PARAMETER_INVALID');
    }
    expect((await openHandles()) - own).toBeLessThanOrEqual(TOLERANCE);
    await key.delete();
  });
});

describe('a provider that is closed while its keys are used', () => {
  const algorithm = keepsKeys ? 'ECDSA_P256' : 'RSA';
  const scheme = keepsKeys ? 'ecdsa-sha256' : 'rsa-pkcs1-sha256';

  it('lets what runs end, and frees every handle', async () => {
    for (let round = 0; round < 10; round++) {
      const provider = await openCngProvider();
      const name = keepsKeys ? newName() : null;
      const key = await makeKey(provider, name, algorithm);
      const signing = [1, 2, 3, 4].map(() => key.sign(message(scheme)));
      const closed = [provider.close(), key.close(), provider.close()];
      for (const signature of await Promise.all(signing))
        expect(signature.length).toBeGreaterThan(60);
      await Promise.all(closed);
      expect(await codeOfAsync(key.sign(message(scheme)))).toBe('HANDLE_INVALID');
      expect((await openHandles()) - before).toBeLessThanOrEqual(TOLERANCE);
      if (name !== null) await remove(name);
    }
  });

  it('ends or refuses what was begun, and leaves a key or none', async () => {
    const provider = await openCngProvider();
    const names = [1, 2, 3, 4].map(() => (keepsKeys ? newName() : null));
    const making = names.map((name) => codeOfAsync(makeKey(provider, name, algorithm)));
    // Some have begun to generate by now.
    await new Promise((resolve) => setImmediate(resolve));
    await provider.close();
    const codes = await Promise.all(making);
    for (const code of codes) expect(code).toBeOneOf(['none', 'HANDLE_INVALID']);
    for (const name of names) if (name !== null) await remove(name);
  });
});

/** Deletes a key that may be there. */
async function remove(name: string): Promise<void> {
  await using provider = await openCngProvider();
  const code = await codeOfAsync(
    provider.openKey(name, 'AT_SIGNATURE').then((key) => key.delete()),
  );
  expect(code).toBeOneOf(['none', 'CONTAINER_NOT_FOUND']);
}
