/** Child: puts version 1 of every id and tells how many it won. Arguments: folder, number of ids, own number. */
import { KeyStoreError } from '../../../lib/errors.ts';
import { openDirectoryStore } from '../../../lib/stores/directory.ts';
import { done, started } from '../../support/fork.ts';

const [folder, count, mine] = process.argv.slice(2);
const store = await openDirectoryStore(folder!);
await started();
const won: number[] = [];
for (let n = 0; n < Number(count); n++) {
  try {
    await store.put(n.toString(16).padStart(32, '0'), 1, Uint8Array.of(Number(mine)));
    won.push(n);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT') throw error;
  }
}
done(won);
