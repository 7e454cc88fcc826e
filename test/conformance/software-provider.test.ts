/** The software provider is a provider, whatever protects its files, and without any. */
import { join } from 'node:path';
import { describe, it } from 'vitest';
import type { ProviderCapabilities } from '../../lib/contracts/provider.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
  passphraseProtector,
  type Protector,
} from '../../lib/providers/software/index.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CAPABILITIES: ProviderCapabilities = {
  algorithms: ['RSA', 'ECDH_P256', 'ECDH_P384', 'ECDSA_P256', 'ECDSA_P384'],
  rsaLengths: [2048, 3072, 4096],
  unwraps: ['rsa-oaep', 'rsa-pkcs1', 'ecdh-x963'],
  oaepHashes: ['sha256', 'sha1'],
  scopes: ['user', 'machine'],
  import: true,
  legacyStore: true,
  persisted: true,
  protectionLevel: 'this process',
};
const runner = { describe, it, skip: it.skip };

/** A provider in a folder of its own; `protect` is called once for each provider, as each process would. */
function inFolder(protect: (folder: string) => Protector) {
  return async () => {
    const folder = await temporaryFolder();
    const open = () =>
      openSoftwareProvider({ folder: join(folder.path, 'keys'), protector: protect(folder.path) });
    return { provider: await open(), openAgain: open, dispose: () => folder.remove() };
  };
}

testProvider(
  'software under a machine secret',
  inFolder((folder) => machineSecretProtector({ folder: join(folder, 'state') })),
  { ...runner, capabilities: CAPABILITIES },
);

testProvider(
  'software under a passphrase',
  inFolder(() =>
    passphraseProtector({
      passphrase: async () => SecretBytes.copy(Buffer.from('correct horse')),
      cost: { memoryKiB: 8 * 1024, iterations: 1, parallelism: 1 },
    }),
  ),
  { ...runner, capabilities: CAPABILITIES },
);

testProvider(
  'software without a folder',
  async () => ({ provider: await openSoftwareProvider() }),
  { ...runner, capabilities: { ...CAPABILITIES, persisted: false, legacyStore: false } },
);
