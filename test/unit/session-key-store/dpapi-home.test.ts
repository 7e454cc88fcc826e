/** Homes and the dpapi protector where there is no DPAPI: nothing is made or changed, and a name in keycask.json decides nothing. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { newStore, temporaryHome } from '../../support/temporary-home.ts';

describe.skipIf(process.platform === 'win32')('a home without DPAPI', () => {
  it('is not made under dpapi: nothing is left of the attempt', async () => {
    const where = await temporaryHome();
    expect(await codeOfAsync(SessionKeyStore.create({ ...where, protector: 'dpapi' }))).toBe(
      'PROTECTOR_UNAVAILABLE',
    );
    await expect(stat(where.home)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('does not change to dpapi, and stays as it is', async () => {
    const { store, where } = await newStore();
    const before = await readFile(join(where.home, 'keycask.json'), 'utf8');
    expect(await codeOfAsync(store.protectContainer('dpapi'))).toBe('PROTECTOR_UNAVAILABLE');
    expect(await readFile(join(where.home, 'keycask.json'), 'utf8')).toBe(before);
    await using again = await SessionKeyStore.open(where);
    expect((await again.showContainer()).exchange?.posture?.onDisk).toContain('machine-secret');
  });

  it('opens under what its keys are sealed with, although keycask.json says dpapi', async () => {
    const { store, where } = await newStore();
    (await store.createKey('kept')).dispose();
    await store.close();
    const path = join(where.home, 'keycask.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('machine-secret', 'dpapi'));
    await using again = await SessionKeyStore.open(where);
    using key = await again.openKey('kept');
    expect(key.label).toBe('kept');
  });
});
