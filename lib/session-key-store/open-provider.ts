/** Providers by name. Each is loaded when it is asked for. */
import type { Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import type { Protector } from '../providers/software/index.ts';
import { PROTECTORS, type AskSecret, type ProtectorName } from './types.ts';

export interface OpenProviderOptions {
  /** Folder of the sealed key files. Without it the provider makes ephemeral keys only. */
  readonly folder?: string;
  /** Default `machine-secret`. */
  readonly protector?: ProtectorName;
  /** Asked when a passphrase protector is first used. */
  readonly passphrase?: AskSecret;
  /** Folder of the machine secret. Default: the platform's state folder. */
  readonly stateFolder?: string;
}

/** Names that `--provider` takes, and where they run. */
const ELSEWHERE: Record<string, string> = {
  cryptoapi: 'it needs Windows, and a release of keycask that has it',
  cng: 'it needs Windows, and a release of keycask that has it',
  isolated: 'it needs a keycask agent, and a release of keycask that has it',
  pkcs11: 'it needs a token, and a release of keycask that has it',
};

/**
 * Opens a key storage provider (NCryptOpenStorageProvider).
 *
 * @param name - `software`.
 * @throws KeyStoreError PROVIDER_UNAVAILABLE (NTE_PROV_DLL_NOT_FOUND) for a name that does not run here, PARAMETER_INVALID for any other.
 * @example
 * ```ts
 * await using provider = await openProvider('software', { folder: '/srv/keys' });
 * ```
 */
export async function openProvider(
  name: string,
  options: OpenProviderOptions = {},
): Promise<Provider> {
  if (name === 'software') {
    const { openSoftwareProvider } = await import('../providers/software/index.ts');
    const { folder, protector = 'machine-secret' } = options;
    const others = PROTECTORS.filter((other) => other !== protector);
    return openSoftwareProvider({
      ...(folder && { folder }),
      protector: await protectorOf(options),
      // Where a change of the protector was interrupted, some keys are still sealed under another one.
      otherProtectors: await Promise.all(
        others.map((other) => protectorOf({ ...options, protector: other })),
      ),
    });
  }
  const where = ELSEWHERE[name];
  if (where)
    throw new KeyStoreError(
      'PROVIDER_UNAVAILABLE',
      `the provider ${name} cannot be used here: ${where}`,
      { hint: 'Use --provider software.' },
    );
  throw new KeyStoreError('PARAMETER_INVALID', `there is no provider ${JSON.stringify(name)}`);
}

/** What seals the software provider's keys. One that this machine does not have fails when it is used. */
export async function protectorOf({
  protector = 'machine-secret',
  passphrase,
  stateFolder,
}: OpenProviderOptions): Promise<Protector> {
  const { dpapiProtector, machineSecretProtector, passphraseProtector } =
    await import('../providers/software/index.ts');
  switch (protector) {
    case 'machine-secret':
      return machineSecretProtector({ ...(stateFolder && { folder: stateFolder }) });
    case 'passphrase':
      return passphraseProtector({ ...(passphrase && { passphrase }) });
    case 'dpapi':
      return dpapiProtector();
  }
}

/**
 * Looks whether something can be sealed here, before anything is made or changed.
 *
 * @throws KeyStoreError PROTECTOR_UNAVAILABLE, MODULE_MISSING.
 */
export async function requireProtector(protector: ProtectorName): Promise<void> {
  if (protector !== 'dpapi') return;
  const { loadDpapi } = await import('../providers/key-files/dpapi-protector.ts');
  await loadDpapi();
}
