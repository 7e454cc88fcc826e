/** Child: what another process of the same account does with what was sealed. Arguments: what to do, its folder, and for a home the state folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../../lib/bytes/octets.ts';
import { decryptFile } from '../../../lib/encrypt-file.ts';
import { dpapiProtector, openSoftwareProvider } from '../../../lib/providers/software/index.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { done, started } from '../../support/fork.ts';

const [what, folder, stateFolder] = process.argv.slice(2) as [string, string, string];

/** The public keys of the keys `user` and `machine`, each opened under DPAPI of that scope. */
async function openKeys(): Promise<string[]> {
  const keys: string[] = [];
  for (const scope of ['user', 'machine'] as const) {
    const protector = dpapiProtector({ scope });
    await using provider = await openSoftwareProvider({ folder, protector });
    keys.push(toHex((await provider.openKey(scope, 'AT_KEYEXCHANGE')).publicKey));
  }
  return keys;
}

/** The text of `secret.cask` beside a home. */
async function decrypt(): Promise<string> {
  await using store = await SessionKeyStore.open({ home: join(folder, 'home'), stateFolder });
  const target = join(folder, 'decrypted.txt');
  await decryptFile(store, join(folder, 'secret.cask'), target);
  return readFile(target, 'utf8');
}

await started();
done(what === 'decrypt' ? await decrypt() : await openKeys());
