/** Every single-bit flip of a key file is refused, by the way that a program opens keys. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeOfAsync } from '../support/errors.ts';
import { filesIn, keyHome, type KeyHome } from '../support/software-provider.ts';

let home: KeyHome;
beforeEach(async () => {
  home = await keyHome();
});
afterEach(() => home.remove());

test('every single-bit flip of a key file is refused with a code of key files', async () => {
  await using provider = await home.open();
  const pending = await provider.createPersistedKey('ECDSA_P256', 'key', 'AT_SIGNATURE');
  await pending.setProperty('uiPolicy', { level: 'protect', title: 'Title' });
  await pending.setProperty('custom:a', Uint8Array.of(1, 2, 3));
  await pending.finalize();
  const path = (await filesIn(home.keys))[0]!;
  const good = await readFile(path);
  const codes = new Map<string, number>();
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bad = Buffer.from(good);
    bad[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(path, bad);
    const code = await codeOfAsync(provider.openKey('key', 'AT_SIGNATURE'));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  expect([...codes.keys()].toSorted()).toEqual([
    'BLOB_VERSION_UNSUPPORTED',
    'KEY_FILE_DAMAGED',
    'PROTECTOR_UNAVAILABLE',
  ]);
  // Another machine's secret id (16 bytes), another protector's name (14): the rest is damage.
  expect(codes.get('PROTECTOR_UNAVAILABLE')).toBeLessThanOrEqual((16 + 14) * 8);
  writeFileSync(path, good);
  expect(await codeOfAsync(provider.openKey('key', 'AT_SIGNATURE'))).toBe('none');
});
