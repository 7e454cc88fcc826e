import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { encryptBytes, openEncryptedFile } from '../../../lib/encrypt-file.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Every secret whose bytes are used from now on. */
function usedSecrets(): ReadonlySet<SecretBytes> {
  const used = new Set<SecretBytes>();
  const real = Object.getOwnPropertyDescriptor(SecretBytes.prototype, 'bytes')!;
  vi.spyOn(SecretBytes.prototype, 'bytes', 'get').mockImplementation(function (this: SecretBytes) {
    used.add(this);
    return real.get!.call(this) as Uint8Array;
  });
  return used;
}

test('a file that is refused when it is opened leaves no key behind', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  await using store = await SessionKeyStore.inMemory({ cache: { maxKeys: 0 } });
  const path = join(folder.path, 'file.cask');
  writeFileSync(path, await encryptBytes(store, new Uint8Array(100)));
  const whole = readFileSync(path);
  for (const cut of [1, 100, 120]) {
    writeFileSync(path, whole.subarray(0, whole.length - cut));
    const used = usedSecrets();
    expect(await codeOfAsync(openEncryptedFile(store, path))).toBe('FILE_DAMAGED');
    vi.restoreAllMocks();
    expect(used.size).toBeGreaterThan(0);
    expect([...used].filter(({ disposed }) => !disposed)).toEqual([]);
  }
});
