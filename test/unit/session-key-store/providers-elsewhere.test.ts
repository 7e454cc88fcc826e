/** Providers of Windows where this is not Windows: one clear error, and nothing native is loaded to find that out. */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KeyStoreError } from '../../../lib/errors.ts';
import { openCngProvider } from '../../../lib/providers/cng/index.ts';
import { openCryptoApiProvider } from '../../../lib/providers/cryptoapi/index.ts';
import { openProvider } from '../../../lib/session-key-store/open-provider.ts';
import { reportProviders, reportWindows } from '../../../lib/session-key-store/provider-report.ts';
import { codeOfAsync } from '../../support/errors.ts';

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL('children/what-is-loaded.ts', import.meta.url));

describe.runIf(process.platform !== 'win32')('where this is not Windows', () => {
  it.each(['cryptoapi', 'cng'])('%s is PROVIDER_UNAVAILABLE, with a hint', async (name) => {
    const error: unknown = await openProvider(name).catch((reason: unknown) => reason);
    expect(KeyStoreError.is(error) && error.toJSON()).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      nte: 0x8009001e,
      message: `the provider ${name} cannot be used here: it is a part of Windows, and this is not Windows`,
      hint: 'Use --provider software, which runs everywhere.',
    });
  });

  it('a program that opens one by itself is told the same', async () => {
    expect(await codeOfAsync(openCngProvider())).toBe('PROVIDER_UNAVAILABLE');
    expect(await codeOfAsync(openCryptoApiProvider())).toBe('PROVIDER_UNAVAILABLE');
  });

  it('asking loads nothing native', async () => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', CHILD]);
    expect(JSON.parse(stdout)).toEqual({
      codes: ['PROVIDER_UNAVAILABLE', 'PROVIDER_UNAVAILABLE'],
      native: [],
      seesKoffi: true,
    });
  });

  it('doctor names both, and why not here', async () => {
    // Whether an agent answers depends on who runs this; a token is not named.
    const needy = ['isolated', 'pkcs11'];
    const reports = (await reportProviders()).filter(({ name }) => !needy.includes(name));
    expect(reports.map(({ name, available }) => [name, available])).toEqual([
      ['software', true],
      ['cryptoapi', false],
      ['cng', false],
    ]);
    for (const { available, detail } of reports)
      expect(detail).toMatch(
        available ? /every program of this user can read it/u : /not Windows/u,
      );
    expect(await reportWindows()).toBeUndefined();
  });
});

it('a provider that there is not is told apart, and a name goes with those of Windows only', async () => {
  expect(await codeOfAsync(openProvider('vault'))).toBe('PARAMETER_INVALID');
  expect(await codeOfAsync(openProvider('pkcs11'))).toBe('PROVIDER_UNAVAILABLE');
  const named = openProvider('software', { providerName: 'Microsoft Platform Crypto Provider' });
  expect(await codeOfAsync(named)).toBe('PARAMETER_INVALID');
});
