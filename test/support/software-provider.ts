/** Software providers in temporary folders, and the key files that they leave there. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LegacyKeySpec, PersistedKey } from '../../lib/contracts/provider.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
  passphraseProtector,
  type BootSecret,
  type Protector,
  type SoftwareProvider,
  type SoftwareProviderOptions,
} from '../../lib/providers/software/index.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The least that is read: what a test's seal costs. */
export const LITTLE = { memoryKiB: 8 * 1024, iterations: 1, parallelism: 1 };

export interface KeyHome {
  readonly folder: string;
  /** `<folder>/keys` */
  readonly keys: string;
  /** `<folder>/state`: where the machine secret lies. */
  readonly state: string;
  /** Each call is what another process would open. */
  open(options?: Partial<SoftwareProviderOptions>): Promise<SoftwareProvider>;
  remove(): Promise<void>;
}

export async function keyHome(): Promise<KeyHome> {
  const temporary = await temporaryFolder();
  const folder = temporary.path;
  const keys = join(folder, 'keys');
  const state = join(folder, 'state');
  const open = (options: Partial<SoftwareProviderOptions> = {}) =>
    openSoftwareProvider({
      folder: keys,
      protector: machineSecretProtector({ folder: state }),
      ...options,
    });
  return { folder, keys, state, open, remove: () => temporary.remove() };
}

/** A passphrase protector that counts how often it asks. */
export function passphrase(text: string): { protector: Protector; readonly asked: () => number } {
  let asked = 0;
  const protector = passphraseProtector({
    cost: LITTLE,
    passphrase: async () => {
      asked++;
      return SecretBytes.copy(Buffer.from(text));
    },
  });
  return { protector, asked: () => asked };
}

/** A machine that can be restarted: what lies on its memory file system is gone then. */
export function machine(): BootSecret & { restart(): void } {
  let secret: Uint8Array | undefined;
  return {
    present: async () => (secret ? [SecretBytes.copy(secret)] : []),
    create: async () => {
      using fresh = SecretBytes.random(32);
      secret ??= Uint8Array.from(fresh.bytes);
      return SecretBytes.copy(secret);
    },
    restart: () => {
      secret = undefined;
    },
  };
}

/** A finalized P-256 exchange or signature key. */
export async function keyIn(
  provider: SoftwareProvider,
  name: string,
  spec: LegacyKeySpec = 'AT_KEYEXCHANGE',
): Promise<PersistedKey> {
  const algorithm = spec === 'AT_SIGNATURE' ? 'ECDSA_P256' : 'ECDH_P256';
  return (await provider.createPersistedKey(algorithm, name, spec)).finalize();
}

/** Paths of all files under a folder, ascending. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** Does any file under a folder contain these bytes? */
export async function isOnDisk(folder: string, bytes: Uint8Array): Promise<boolean> {
  for (const path of await filesIn(folder))
    if ((await readFile(path)).includes(Buffer.from(bytes))) return true;
  return false;
}
