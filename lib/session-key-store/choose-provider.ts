/** Which provider a new home gets where nobody names one: what `prefer-vbs` and `require-vbs` mean beyond Windows. */
import { isAtLeast, isHardware, type ProtectionLevel } from '../contracts/protection-level.ts';
import { KeyStoreError } from '../errors.ts';
import { openProvider, type OpenProviderOptions } from './open-provider.ts';
import type { CreateStoreOptions } from './types.ts';

const DEFAULT_PROVIDER = 'software';

/** A provider that is here, and the strongest place that it uses keys in. */
interface PresentProvider {
  readonly name: string;
  readonly level: ProtectionLevel;
}

/**
 * The name of the provider: `software` where no isolation is asked for. `prefer-vbs` takes the strongest that is here, `require-vbs` only one
 * that has a token, a TPM or VBS. A token is looked at where it is named, an agent where one answers.
 *
 * @throws KeyStoreError VBS_UNAVAILABLE.
 */
export async function chooseProvider(options: CreateStoreOptions): Promise<string> {
  const { provider, isolation = 'none', protector } = options;
  if (provider !== undefined) return provider;
  // A protector is one of software.
  if (isolation === 'none' || protector !== undefined) return DEFAULT_PROVIDER;
  const present = await providersHere(options);
  if (isolation === 'prefer-vbs') return present.reduce(strongerOf).name;
  const found = present.find(({ name, level }) => isHardware(level) || mayHaveVbs(name));
  if (found) return found.name;
  throw new KeyStoreError(
    'VBS_UNAVAILABLE',
    'there is no VBS, token or TPM here that keycask was told of',
    {
      hint: 'Name a token: --provider pkcs11 --pkcs11-module PATH --token LABEL. Or say prefer-vbs to take the strongest that is here.',
    },
  );
}

/** CNG decides for each key. */
function mayHaveVbs(name: string): boolean {
  return name === 'cng';
}

/** The first of equals. */
function strongerOf(best: PresentProvider, next: PresentProvider): PresentProvider {
  return isAtLeast(best.level, next.level) ? best : next;
}

async function providersHere(options: CreateStoreOptions): Promise<readonly PresentProvider[]> {
  const { agentSocket, agentUser, pkcs11Module, token, pin, providerName } = options;
  const candidates: readonly (readonly [name: string, options: OpenProviderOptions])[] = [
    ['cng', { ...(providerName && { providerName }) }],
    ...(pkcs11Module !== undefined && token !== undefined
      ? [['pkcs11', { pkcs11Module, token, ...(pin && { pin }) }] as const]
      : []),
    ['isolated', { ...(agentSocket && { agentSocket }), ...(agentUser && { agentUser }) }],
  ];
  const present: PresentProvider[] = [];
  for (const [name, asked] of candidates) {
    const level = await levelOf(name, asked);
    if (level !== undefined) present.push({ name, level });
  }
  return [...present, { name: DEFAULT_PROVIDER, level: 'this process' }];
}

/** undefined where it cannot be used, or keeps no keys. */
async function levelOf(
  name: string,
  options: OpenProviderOptions,
): Promise<ProtectionLevel | undefined> {
  try {
    await using provider = await openProvider(name, options);
    const { persisted, protectionLevel } = provider.capabilities;
    return persisted ? protectionLevel : undefined;
  } catch (error) {
    // What was named has to be there; what was only looked for need not.
    if (!KeyStoreError.is(error) || name === 'pkcs11') throw error;
    if (name === 'isolated' && options.agentSocket !== undefined) throw error;
    return undefined;
  }
}
