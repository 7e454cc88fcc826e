/** Providers by name. Each is loaded when it is asked for. */
import { join } from 'node:path';
import process from 'node:process';
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
  /** Of cryptoapi: the name of the CSP. Of cng: the name of the key storage provider. Default: Microsoft's software ones. */
  readonly providerName?: string;
  /** Of isolated: path of the agent's socket. Default: where an agent of this user, or an installed one, listens. */
  readonly agentSocket?: string;
  /** Of isolated: the user that the agent runs as, by name or number, where it is neither this one nor root. Default: of an installed agent's socket its own user. */
  readonly agentUser?: string;
  /** Of pkcs11: path of the PKCS #11 module. */
  readonly pkcs11Module?: string;
  /** Of pkcs11: label of the token. */
  readonly token?: string;
  /** Of pkcs11: asked whenever the token wants its PIN. Without it only public keys are seen. */
  readonly pin?: AskSecret;
}

/** Names that `--provider` takes. */
export const PROVIDERS = ['software', 'isolated', 'pkcs11', 'cryptoapi', 'cng'] as const;

/**
 * Opens a key storage provider (NCryptOpenStorageProvider).
 *
 * @param name - `software`; `isolated`, whose keys are in an agent; `pkcs11`, whose keys are on a token; on Windows also `cryptoapi` and `cng`, whose keys lie where Windows keeps them.
 * @throws KeyStoreError PROVIDER_UNAVAILABLE (NTE_PROV_DLL_NOT_FOUND) for a name that does not run here, MODULE_MISSING where koffi is not
 *   installed, PARAMETER_INVALID for any other name.
 * @example
 * ```ts
 * await using provider = await openProvider('software', { folder: '/srv/keys' });
 * ```
 */
export async function openProvider(
  name: string,
  options: OpenProviderOptions = {},
): Promise<Provider> {
  const { providerName } = options;
  if (providerName === '')
    throw new KeyStoreError('PARAMETER_INVALID', "the provider's name (--provider-name) is empty");
  switch (name) {
    case 'software':
      refuseProviderName(name, providerName);
      return openSoftware(options);
    case 'isolated':
      refuseProviderName(name, providerName);
      return openIsolated(options);
    case 'pkcs11':
      refuseProviderName(name, providerName);
      return openPkcs11(options);
    case 'cryptoapi': {
      requireWindows(name);
      const { openCryptoApiProvider } = await import('../providers/cryptoapi/index.ts');
      return openCryptoApiProvider({ ...(providerName && { providerName }) });
    }
    case 'cng': {
      requireWindows(name);
      const { openCngProvider } = await import('../providers/cng/index.ts');
      return openCngProvider({ ...(providerName && { storageProvider: providerName }) });
    }
    default:
      throw new KeyStoreError('PARAMETER_INVALID', `there is no provider ${JSON.stringify(name)}`, {
        hint: `Use one of ${PROVIDERS.join(', ')}.`,
      });
  }
}

async function openSoftware(options: OpenProviderOptions): Promise<Provider> {
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

async function openIsolated({ agentSocket, agentUser }: OpenProviderOptions): Promise<Provider> {
  const { openIsolatedProvider } = await import('../providers/isolated/index.ts');
  const { agentSocket: defaultSocket, agentUserOf } = await import('../platform/agent-socket.ts');
  const socket = agentSocket ?? defaultSocket();
  const user = await agentUserOf(socket, agentUser);
  return openIsolatedProvider({ socket, ...(user !== undefined && { agentUser: user }) });
}

async function openPkcs11(options: OpenProviderOptions): Promise<Provider> {
  const { pkcs11Module: module, token, pin, stateFolder } = options;
  if (module === undefined || token === undefined)
    throw new KeyStoreError(
      'PROVIDER_UNAVAILABLE',
      'the provider pkcs11 cannot be used without a PKCS #11 module and a token',
      { hint: 'Name them: --pkcs11-module PATH --token LABEL.' },
    );
  const { openPkcs11Provider } = await import('../providers/pkcs11/index.ts');
  return openPkcs11Provider({
    module,
    token,
    ...(pin && { pin }),
    ...(stateFolder && { lockFolder: join(stateFolder, 'locks') }),
  });
}

function requireWindows(name: string): void {
  if (process.platform !== 'win32')
    throw unavailable(name, 'it is a part of Windows, and this is not Windows');
}

function unavailable(name: string, why: string): KeyStoreError {
  return new KeyStoreError(
    'PROVIDER_UNAVAILABLE',
    `the provider ${name} cannot be used here: ${why}`,
    { hint: 'Use --provider software, which runs everywhere.' },
  );
}

function refuseProviderName(name: string, providerName: string | undefined): void {
  if (providerName !== undefined)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `the provider ${name} is one of keycask, and has no other name`,
      { hint: 'A provider name goes with --provider cryptoapi or cng.' },
    );
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
