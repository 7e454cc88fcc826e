/** What each provider can do on this machine, and which process can read the private keys that it uses. */
import process from 'node:process';
import { isProtectionLevel, PROTECTION_LEVELS } from '../contracts/protection-level.ts';
import type { Provider, ProviderCapabilities } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import type { IsolatedProvider } from '../providers/isolated/index.ts';
import { openProvider, PROVIDERS } from './open-provider.ts';

export interface ProviderReport {
  readonly name: string;
  readonly available: boolean;
  /** Who can read a private key; or why there is none to read here. */
  readonly detail: string;
  readonly capabilities?: ProviderCapabilities;
}

/** Every provider, without its keys. */
export async function reportProviders(): Promise<ProviderReport[]> {
  const reports: ProviderReport[] = [];
  for (const name of PROVIDERS) reports.push(await report(name));
  return reports;
}

async function report(name: string): Promise<ProviderReport> {
  try {
    await using provider = await openProvider(name);
    const { capabilities } = provider;
    const who = await whoReads(provider);
    // Opened without a folder, software has none to keep keys in.
    const keepsNone = name !== 'software' && !capabilities.persisted;
    const detail = keepsNone ? `it keeps no keys here; ${who}` : who;
    return { name, available: true, detail, capabilities };
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    const isOfWindows = error.code === 'PROVIDER_UNAVAILABLE';
    // The message names the provider; of a missing package it names the package.
    const detail = isOfWindows
      ? error.message
      : `the provider ${name}: ${error.message}. ${error.hint}`;
    return { name, available: false, detail };
  }
}

/** Which process can read a private key, by the place it is used in; of an agent also what that is worth. */
async function whoReads(provider: Provider): Promise<string> {
  const place = provider.capabilities.protectionLevel;
  const { readers } = PROTECTION_LEVELS[place];
  if (!isAgent(provider)) return readers;
  const { level } = await provider.status();
  if (level === place || !isProtectionLevel(level)) return readers;
  return `${readers}; but what lies on disk opens to programs of this user, so that it is worth no more than ${PROTECTION_LEVELS[level].words}`;
}

function isAgent(provider: Provider): provider is IsolatedProvider {
  return provider.name === 'isolated' && 'status' in provider;
}

/** Facts of a Windows that bear on its providers. undefined elsewhere, and where koffi is not installed. */
export async function reportWindows(): Promise<string | undefined> {
  if (process.platform !== 'win32') return undefined;
  try {
    const { describeWindows } = await import('../providers/windows/describe.ts');
    return await describeWindows();
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}
