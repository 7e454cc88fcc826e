/** What can be read where koffi is not installed, and what is said of the rest. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  bundleChild,
  Child,
  copyWithoutKoffi,
  type ChildBundle,
} from '../../support/child-process.ts';

const NATIVE = [
  'CALG_MD4',
  ...['cbc', 'ecb', 'cfb'].flatMap((m) => [`CALG_RC2 ${m}`, `CALG_RC4 ${m}`]),
];

let bundle: ChildBundle;
let elsewhere: ChildBundle;

beforeAll(async () => {
  bundle = await bundleChild('unit/legacy/children/without-koffi.ts');
  elsewhere = copyWithoutKoffi(bundle);
});

afterAll(() => {
  bundle.remove();
  elsewhere.remove();
});

async function run(file: string): Promise<Record<string, unknown>> {
  const child = Child.start(file, []);
  const told = await child.next<Record<string, unknown>>();
  expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
  return told;
}

test('without koffi DES, 3DES, AES and all hashes but MD4 give the same bytes, and the others say what to install', async () => {
  const complete = await run(bundle.path);
  expect(Object.keys(complete)).toHaveLength(22);
  expect(Object.values(complete).every((made) => /^[0-9a-f]+$/u.test(String(made)))).toBe(true);

  const without = await run(elsewhere.path);
  const missing: unknown = expect.objectContaining({
    code: 'MODULE_MISSING',
    hint: 'Install it: `npm install koffi`.',
  });
  const expected = Object.entries(complete).map(([name, made]) => [
    name,
    NATIVE.includes(name) ? missing : made,
  ]);
  expect(without).toEqual(Object.fromEntries(expected));
});
