/** A provider is closed after its keys, also after one whose closing nobody waited for. */
import { expect, it } from 'vitest';
import { openSoftwareProvider } from '../../../lib/providers/software/index.ts';
import type { KeyStorage, StoredKey } from '../../../lib/providers/rules/key-storage.ts';
import { StorageProvider } from '../../../lib/providers/rules/storage-provider.ts';

/** A double of a storage: its keys take a while to close, as those of Windows do while a call runs. */
async function slowStorage(events: string[]): Promise<KeyStorage> {
  await using software = await openSoftwareProvider();
  const notNeeded = (): Promise<never> => Promise.reject(new TypeError('not of this test'));
  const make: KeyStorage['make'] = (key) =>
    Promise.resolve({
      ...key,
      publicKey: new Uint8Array(1),
      close: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        events.push('key closed');
      },
    } as Partial<StoredKey> as StoredKey);
  return {
    name: 'slow',
    capabilities: software.capabilities,
    clock: () => new Date(0),
    place: notNeeded,
    make,
    open: notNeeded,
    list: () => {
      throw new TypeError('not of this test');
    },
    close: () => {
      events.push('storage closed');
      return Promise.resolve();
    },
  };
}

it('closes its storage when the last of its keys is closed, once each', async () => {
  const events: string[] = [];
  const provider = new StorageProvider(await slowStorage(events));
  const make = async () =>
    (await provider.createPersistedKey('ECDH_P256', null, 'AT_KEYEXCHANGE')).finalize();
  const [first, second] = [await make(), await make()];
  const closing = [first.close(), first.close()];
  await provider.close();
  await Promise.all([...closing, second.close()]);
  expect(events).toEqual(['key closed', 'key closed', 'storage closed']);
});
