/** The cng provider in tests: which ncrypt.dll runs, keys that others made, and how many handles are open. */
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { loadKernel32 } from '../../native-bindings/kernel32.ts';
import { loadNCrypt, type NCrypt } from '../../native-bindings/ncrypt.ts';
import { MS_KEY_STORAGE_PROVIDER } from '../../native-bindings/ncrypt-constants.ts';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import type { PersistedKey, Provider } from '../../lib/contracts/provider.ts';
import { CngKeys } from '../../lib/providers/cng/cng-keys.ts';
import { CngStorage } from '../../lib/providers/cng/cng-storage.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { StorageProvider } from '../../lib/providers/rules/storage-provider.ts';
import { leaks } from '../native/ncrypt-double/raw-ncrypt.ts';

const NCRYPT = process.env['KEYCASK_NCRYPT'];
/** A double of ncrypt.dll, which can be told to fail. */
export const isDouble = NCRYPT === 'double';
/** Wine's own ncrypt.dll keeps no key: what is about keys that last is left out there, and the report says so. */
export const keepsKeys = NCRYPT !== 'wine';

/** A name that nobody else has, also where keys of many runs lie together. */
export function newName(): string {
  return `cng test ${randomBytes(8).toString('hex')}`;
}

/** A key of the provider. */
export async function makeKey(
  provider: Provider,
  name: string | null,
  algorithm: 'ECDH_P256' | 'ECDSA_P256' | 'RSA' = 'ECDSA_P256',
): Promise<PersistedKey> {
  const spec = algorithm === 'ECDSA_P256' ? 'AT_SIGNATURE' : 'AT_KEYEXCHANGE';
  const pending = await provider.createPersistedKey(algorithm, name, spec);
  if (algorithm === 'RSA') await pending.setProperty('length', 2048);
  return pending.finalize();
}

/** How many handles this process has: of the double exactly, of Windows all that its kernel counts. */
export async function openHandles(): Promise<number> {
  return isDouble ? leaks().handles : (await loadKernel32()).processHandleCount();
}

/** Runs raw calls with an open storage provider. */
export async function withRawProvider<Result>(
  work: (ncrypt: NCrypt, provider: Handle) => Promise<Result> | Result,
): Promise<Result> {
  const ncrypt = await loadNCrypt();
  const provider = ncrypt.openStorageProvider(MS_KEY_STORAGE_PROVIDER);
  try {
    return await work(ncrypt, provider);
  } finally {
    ncrypt.freeObject(provider);
  }
}

/** The cng provider on other calls than ncrypt.dll's own. */
export async function openCngProviderOn(ncrypt: NCrypt): Promise<Provider> {
  await using own = await openCngProvider();
  const { capabilities } = own;
  const kernel32 = await loadKernel32();
  const provider = ncrypt.openStorageProvider(MS_KEY_STORAGE_PROVIDER);
  const keys = new CngKeys({ ncrypt, kernel32, provider, keepsKeys: true, isHardware: false });
  const storageProvider = MS_KEY_STORAGE_PROVIDER;
  const clock = (): Date => new Date();
  return new StorageProvider(new CngStorage({ keys, storageProvider, capabilities, clock }));
}
