/** What a process finds when it opens a home afresh: every key, verified and opened. */
import { toHex } from '../../../lib/bytes/octets.ts';
import type { SessionKeyStore } from '../../../lib/session-key-store.ts';

/** A key as a process found it: JSON. */
export interface FoundKey {
  readonly id: string;
  readonly version: number;
  readonly label: string;
  /** `ok`, or what is wrong with its record. */
  readonly state: string;
  /** Commitment of the opened key, in hex: the same as long as it is the same key. */
  readonly commitment: string;
}

export async function keysOf(store: SessionKeyStore): Promise<FoundKey[]> {
  const keys: FoundKey[] = [];
  for await (const { id, version, label, state } of store.verify()) {
    if (state !== 'ok') {
      keys.push({ id, version, label, state, commitment: '' });
      continue;
    }
    using key = await store.openKey(id);
    keys.push({ id, version, label, state, commitment: toHex(key.commitment!) });
  }
  return keys;
}
