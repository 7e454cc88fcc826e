/** pain 5, the other way round: where koffi is not installed, it is said what that keeps closed. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodeUtf8, toHex } from '../../../../lib/bytes/octets.ts';
import { importCapiKey } from '../../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../../lib/legacy/cipher.ts';
import { bundleChild, Child, type ChildBundle } from '../../../support/child-process.ts';

let bundle: ChildBundle;
/** Outside of the project, where Node finds no package. */
let elsewhere: string;
let data: string[];

beforeAll(async () => {
  bundle = await bundleChild('unit/migration/diagnose/children/without-koffi.ts');
  elsewhere = mkdtempSync(path.join(os.tmpdir(), 'keycask-without-koffi-'));
  copyFileSync(bundle.path, path.join(elsewhere, 'child.mjs'));
  const plaintext = encodeUtf8('The quick brown fox jumps over');
  data = [];
  for (const algId of [ALG_ID.CALG_RC4, ALG_ID.CALG_AES_128]) {
    using key = importCapiKey(
      algId,
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );
    data.push(toHex(await capiEncrypt(key, plaintext)));
  }
});

afterAll(() => {
  bundle.remove();
  rmSync(elsewhere, { recursive: true });
});

async function run(file: string): Promise<unknown> {
  const child = Child.start(file, data);
  const told = await child.next();
  expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
  return told;
}

test('RC4 is not tried and the hint says why; AES opens', async () => {
  const aes = { outcome: 'opened', cipher: 'CALG_AES_128, CBC, IV of zeros', ids: [] };
  const rc4 = { outcome: 'opened', cipher: 'CALG_RC4, no salt', ids: [] };
  expect(await run(bundle.path)).toEqual([rc4, aes]);
  const missing = { outcome: 'closed', ids: ['KOFFI_MISSING'] };
  expect(await run(path.join(elsewhere, 'child.mjs'))).toEqual([missing, aes]);
});
