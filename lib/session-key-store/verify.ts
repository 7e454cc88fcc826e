/** Verifying the records of a home: those that the manifest lists, and those that lie in the store without being listed. */
import { KeyStoreError } from '../errors.ts';
import type { Home } from './home.ts';
import { listed, resolve } from './keys.ts';
import type { VerifyResult } from './types.ts';

/** Checks all records, or one, against manifest, signature and form. Needs no private key. */
export async function* verifyRecords(
  home: Home,
  query?: string,
): AsyncGenerator<VerifyResult, void, undefined> {
  await home.refresh();
  const records =
    query === undefined ? home.shelf.list() : [await listed(home, await resolve(home, query))];
  for await (const { id, version, label } of records)
    yield { id, version, label, ...(await findings(() => home.readRecord(id))) };
  if (query !== undefined) return;
  for await (const { id, version, bytes } of home.shelf.planted())
    yield { id, version, label: '', ...(await findings(() => explainPlanted(home, id, bytes))) };
}

/** Nobody uses a record that the manifest does not list; but either somebody put it there, or the manifest is an old one. */
function explainPlanted(home: Home, id: string, bytes: Uint8Array): never {
  home.judge(id, bytes);
  throw new KeyStoreError(
    'MANIFEST_ROLLED_BACK',
    'the record is genuine, and the manifest does not list it',
  );
}

async function findings(read: () => unknown): Promise<Pick<VerifyResult, 'state' | 'message'>> {
  try {
    await read();
    return { state: 'ok' };
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    return { state: error.code, message: error.message };
  }
}
