/** The software provider is a provider, whatever protects its files, and without any. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
  passphraseProtector,
  type Protector,
} from '../../lib/providers/software/index.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { FULL_CAPABILITIES } from '../support/capabilities.ts';
import { forkTest, race } from '../support/fork.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

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
  { ...runner, capabilities: FULL_CAPABILITIES },
);

testProvider(
  'software under a passphrase',
  inFolder(() =>
    passphraseProtector({
      passphrase: async () => SecretBytes.copy(Buffer.from('correct horse')),
      cost: { memoryKiB: 8 * 1024, iterations: 1, parallelism: 1 },
    }),
  ),
  { ...runner, capabilities: FULL_CAPABILITIES },
);

testProvider(
  'software without a folder',
  async () => ({ provider: await openSoftwareProvider() }),
  { ...runner, capabilities: { ...FULL_CAPABILITIES, persisted: false, legacyStore: false } },
);

describe('software between processes', () => {
  it.each(['create', 'overwrite'])(
    'gives each of 50 names that three processes %s to exactly one of them',
    async (mode) => {
      const folder = await temporaryFolder();
      const [keys, state] = [join(folder.path, 'keys'), join(folder.path, 'state')];
      const open = () =>
        openSoftwareProvider({
          folder: keys,
          protector: machineSecretProtector({ folder: state }),
        });
      const names = Array.from({ length: 50 }, (_, n) => `key ${n}`);
      if (mode === 'overwrite') {
        await using provider = await open();
        for (const name of names)
          await (await provider.createPersistedKey('ECDH_P256', name, 'AT_KEYEXCHANGE')).finalize();
      }
      const children = await Promise.all(
        [1, 2, 3].map(() =>
          forkTest('conformance/children/finalize-key.ts', [keys, state, '50', mode]),
        ),
      );
      const won = await race<Record<string, string>>(children);
      await using provider = await open();
      for (const name of names) {
        const winners = won.flatMap((keysWon) => keysWon[name] ?? []);
        const present = await provider.openKey(name, 'AT_KEYEXCHANGE');
        expect(winners).toEqual([toHex(present.publicKey)]);
      }
      await folder.remove();
    },
  );
});
