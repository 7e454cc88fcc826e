/** A container is made whole or not at all: whoever has one half of the name keeps it as it was. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LegacyKeySpec } from '../../../lib/contracts/provider.ts';
import { openSoftwareProvider } from '../../../lib/providers/software/index.ts';
import {
  createContainer,
  importContainer,
  openContainer,
  type ContainerKeys,
} from '../../../lib/session-key-store/container.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { filesIn, keyHome, keyIn, type KeyHome } from '../../support/software-provider.ts';

const options = { algorithm: 'p-256', exportable: true, notBefore: new Date(0) } as const;

let home: KeyHome;
beforeEach(async () => {
  home = await keyHome();
});
afterEach(() => home.remove());

/** Of a container that nobody keeps. */
async function containerKeys(): Promise<Required<ContainerKeys>> {
  await using provider = await openSoftwareProvider();
  const { exchangeKey, signatureKey, signing, exchange } = await createContainer(
    provider,
    'elsewhere',
    options,
  );
  return {
    exchange: await exchangeKey.exportKey('pkcs8'),
    signature: await signatureKey.exportKey('pkcs8'),
    certificates: { signing, exchange },
  };
}

it.each<LegacyKeySpec>(['AT_KEYEXCHANGE', 'AT_SIGNATURE'])(
  'makes and brings in nothing where somebody has the %s key',
  async (spec) => {
    await using provider = await home.open();
    await keyIn(provider, 'half', spec);
    const before = await filesIn(home.keys);
    expect(await codeOfAsync(createContainer(provider, 'half', options))).toBe('CONTAINER_EXISTS');
    const imported = importContainer(provider, 'half', await containerKeys(), new Date(0));
    expect(await codeOfAsync(imported)).toBe('CONTAINER_EXISTS');
    expect(await filesIn(home.keys)).toEqual(before);
  },
);

it('leaves no key behind of a container whose certificates are of other keys', async () => {
  await using provider = await home.open();
  const { certificates } = await containerKeys();
  const imported = importContainer(
    provider,
    'wrong',
    { ...(await containerKeys()), certificates },
    new Date(0),
  );
  expect(await codeOfAsync(imported)).toBe('PARAMETER_INVALID');
  for (const spec of ['AT_KEYEXCHANGE', 'AT_SIGNATURE'] as const)
    expect(await codeOfAsync(provider.openKey('wrong', spec))).toBe('CONTAINER_NOT_FOUND');
});

it('of which the certificates are gone is not said to be worth deleting', async () => {
  await using provider = await home.open();
  await keyIn(provider, 'keys');
  await keyIn(provider, 'keys', 'AT_SIGNATURE');
  await expect(openContainer(provider, 'keys')).rejects.toMatchObject({
    code: 'KEY_FILE_DAMAGED',
    message: expect.stringContaining('what lay beside its keys is lost') as unknown,
    hint: expect.stringMatching(/^Restore/) as unknown,
  });
});
