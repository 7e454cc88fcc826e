/** Opening the home that the options name. The store's code is loaded here, so that help and --version are quick. */
import { KeyStoreError } from '../errors.ts';
import type { OpenStoreOptions } from '../session-key-store/types.ts';
import type { SessionKeyStore } from '../session-key-store.ts';
import type { CommandContext } from './context.ts';

/** The home with its private keys: asks for a passphrase where there is one. */
export async function openStore(
  context: CommandContext,
  more: Pick<OpenStoreOptions, 'alsoTrust'> = {},
): Promise<SessionKeyStore> {
  const { SessionKeyStore: Store } = await import('../session-key-store.ts');
  return Store.open({ ...openOptions(context), ...more });
}

/** The home without its private keys: to list, show and verify nobody need give a passphrase. */
export async function openStoreReadOnly(context: CommandContext): Promise<SessionKeyStore> {
  const { SessionKeyStore: Store } = await import('../session-key-store.ts');
  return Store.open({ ...homeOption(context), readOnly: true });
}

/**
 * The home; or where there is none, and none was named, a store that trusts nobody and is gone afterwards: what a password opens needs no home.
 */
export async function openStoreOrNone(context: CommandContext): Promise<SessionKeyStore> {
  try {
    return await openStore(context);
  } catch (error) {
    const isMissing = KeyStoreError.is(error) && error.code === 'HOME_NOT_FOUND';
    if (!isMissing || context.options.home !== undefined) throw error;
    const { SessionKeyStore: Store } = await import('../session-key-store.ts');
    return Store.inMemory();
  }
}

/** What opens the home with its private keys. */
export function openOptions(context: CommandContext): OpenStoreOptions {
  return { ...homeOption(context), passphrase: context.askPassphrase, pin: context.askPin };
}

/** Which home, and where its database is. */
export function homeOption({
  options,
  storeUrl,
}: CommandContext): Pick<OpenStoreOptions, 'home' | 'storeUrl'> {
  return {
    ...(options.home !== undefined && { home: options.home }),
    ...(storeUrl !== undefined && { storeUrl }),
  };
}
