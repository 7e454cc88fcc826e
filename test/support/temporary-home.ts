/** A home of its own for each test, in a temporary folder that is removed when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import type { CreateStoreOptions } from '../../lib/session-key-store/types.ts';

export interface TemporaryHome {
  readonly home: string;
  readonly stateFolder: string;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keycask-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryHome(): Promise<TemporaryHome> {
  const folder = await temporaryFolder();
  // `keycask` under what XDG_STATE_HOME names: where the command line looks too (command-line.ts).
  return { home: join(folder, 'home'), stateFolder: join(folder, 'state', 'keycask') };
}

/** A new home, open until the test ends. */
export async function newStore(
  options: CreateStoreOptions = {},
): Promise<{ store: SessionKeyStore; where: TemporaryHome }> {
  const where = await temporaryHome();
  const store = await SessionKeyStore.create({ ...where, ...options });
  onTestFinished(() => store.close());
  return { store, where };
}

export const secretText = (text: string): SecretBytes =>
  SecretBytes.copy(new TextEncoder().encode(text));
