/** pain 5, the other way round: where koffi is not installed, it is said what that keeps closed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodeUtf8, toHex } from '../../../../lib/bytes/octets.ts';
import { importCapiKey } from '../../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../../lib/legacy/cipher.ts';
import {
  bundleChild,
  Child,
  copyWithoutKoffi,
  type ChildBundle,
} from '../../../support/child-process.ts';

let bundle: ChildBundle;
let elsewhere: ChildBundle;
let data: string[];

beforeAll(async () => {
  bundle = await bundleChild('unit/migration/diagnose/children/without-koffi.ts');
  elsewhere = copyWithoutKoffi(bundle);
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
  elsewhere.remove();
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
  expect(await run(elsewhere.path)).toEqual([missing, aes]);
});
