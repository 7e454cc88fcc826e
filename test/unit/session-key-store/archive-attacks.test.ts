/** Somebody who has the database of a home, and some of its folder, against what the home trusts. */
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
let count = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const optionsOf = (path: string) => {
  const home = join(folder.path, `home ${++count}`);
  const stateFolder = join(folder.path, `state ${count}`);
  return { home, stateFolder, store: { kind: 'lmdb', path } } as const;
};

/** Two homes on one file: the first has pinned the second, and revokes it. */
async function revokedHome() {
  const path = join(folder.path, `${++count}.mdb`);
  const where = optionsOf(path);
  const first = await SessionKeyStore.create(where);
  const whereSecond = { ...optionsOf(path), join: await first.invite() };
  const second = await SessionKeyStore.create(whereSecond);
  const certificate = await second.certificate('signature');
  await first.close();
  await second.close();
  const pinning = await SessionKeyStore.open({ ...where, alsoTrust: [certificate] });
  await pinning.trustSigner(certificate, 'second');
  await pinning.close();
  const backup = `${path}.backup`;
  await copyFile(path, backup);
  const older = await readFile(join(where.home, 'trust.cms'));
  const revoking = await SessionKeyStore.open(where);
  await revoking.revokeSigner('second');
  await revoking.close();
  return { path, backup, where, whereSecond, certificate, older };
}

describe('a home whose database somebody else has', () => {
  it('does not trust again whom it revoked, where an older database is put back and what it saw is removed', async () => {
    const { path, backup, where } = await revokedHome();
    await copyFile(backup, path);
    await rm(join(where.home, 'seen'), { recursive: true });
    expect(await codeOfAsync(SessionKeyStore.open(where))).toBe('LOG_REWOUND');
    expect(await codeOfAsync(SessionKeyStore.open({ ...where, readOnly: true }))).toBe(
      'LOG_REWOUND',
    );
    await SessionKeyStore.accept(where);
    await using accepted = await SessionKeyStore.open(where);
    expect(accepted.listSigners().find(({ name }) => name === 'second')?.state).toBe('revoked');
  });

  it('does not, either, where whoever revoked him was killed before the list lay in its place', async () => {
    const { path, backup, where, older } = await revokedHome();
    await writeFile(join(where.home, 'trust.cms'), older);
    // He was killed before he kept the list of before, too.
    for (const name of await readdir(join(where.home, 'pending'))) {
      const kept = join(where.home, 'pending', name);
      if ((await readFile(kept)).equals(older)) await rm(kept);
    }
    await (await SessionKeyStore.open(where)).close();
    await copyFile(backup, path);
    expect(await codeOfAsync(SessionKeyStore.open(where))).toBe('LOG_REWOUND');
    await SessionKeyStore.accept(where);
    await using accepted = await SessionKeyStore.open(where);
    expect(accepted.listSigners().find(({ name }) => name === 'second')?.state).toBe('revoked');
  });

  it('does not follow whom it revoked where he is to be pinned anew, which is refused', async () => {
    const { where, whereSecond, certificate } = await revokedHome();
    const second = await SessionKeyStore.open(whereSecond);
    (await second.createKey('later')).dispose();
    await second.close();
    const pinning = SessionKeyStore.open({ ...where, alsoTrust: [certificate] });
    expect(await codeOfAsync(pinning)).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });
});
