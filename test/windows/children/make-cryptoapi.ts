/** Child: makes keys that other processes make too. Arguments: folder of the key files, names. Says the public keys that it got to keep. */
import { toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { openCryptoApiProvider } from '../../../lib/providers/cryptoapi/index.ts';
import { keyIn, rsaKey } from '../../support/cryptoapi.ts';
import { done, started } from '../../support/fork.ts';

const [folder, ...names] = process.argv.slice(2) as [string, ...string[]];
const key = rsaKey();

await started();
await using provider = await openCryptoApiProvider({ folder });
const won: Record<string, string> = {};
for (const name of names) {
  try {
    won[name] = toHex((await keyIn(provider, name, 'AT_KEYEXCHANGE', { key })).publicKey);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'CONTAINER_EXISTS') throw error;
  }
}
done(won);
