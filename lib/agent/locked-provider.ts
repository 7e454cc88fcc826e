/** What a provider is before its passphrase was given: its name and abilities, and no keys. */
import type { Provider, ProviderCapabilities } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';

/** An agent that starts without its passphrase is locked; until it is unlocked, this stands in for its provider. */
export function lockedProvider(name: string, capabilities: ProviderCapabilities): Provider {
  const refuse = (): Promise<never> => Promise.reject(new KeyStoreError('AGENT_LOCKED'));
  return {
    name,
    capabilities,
    createPersistedKey: refuse,
    importKey: refuse,
    openKey: refuse,
    // oxlint-disable-next-line require-yield -- it has none
    async *listKeys() {
      await Promise.resolve();
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
