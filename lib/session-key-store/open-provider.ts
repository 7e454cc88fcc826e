/** Providers by name. Each is loaded when it is asked for. */
import type { Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import type { Protector } from '../providers/software/index.ts';
import type { AskSecret, ProtectorName } from './types.ts';

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
    const other = protector === 'passphrase' ? 'machine-secret' : 'passphrase';
    return openSoftwareProvider({
      ...(folder && { folder }),
      protector: await protectorOf(options),
      // Where a change of the protector was interrupted, some keys are still sealed under the other one.
      otherProtectors: [await protectorOf({ ...options, protector: other })],
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

/** What seals the software provider's keys. */
export async function protectorOf({
  protector = 'machine-secret',
  passphrase,
  stateFolder,
}: OpenProviderOptions): Promise<Protector> {
  const { machineSecretProtector, passphraseProtector } =
    await import('../providers/software/index.ts');
  if (protector === 'passphrase') return passphraseProtector({ ...(passphrase && { passphrase }) });
  return machineSecretProtector({ ...(stateFolder && { folder: stateFolder }) });
}
