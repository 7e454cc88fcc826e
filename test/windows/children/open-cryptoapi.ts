/** Child: opens keys that another process made. Arguments: folder of the key files, name of the user's key, name of the machine's. */
import { toHex } from '../../../lib/bytes/octets.ts';
import { openCryptoApiProvider } from '../../../lib/providers/cryptoapi/index.ts';
import { message } from '../../../lib/testing/provider/test-messages.ts';
import { done, started } from '../../support/fork.ts';

const [folder, user, machine] = process.argv.slice(2) as [string, string, string];

await started();
await using provider = await openCryptoApiProvider({ folder });
const keys = [
  await provider.openKey(user, 'AT_KEYEXCHANGE'),
  await provider.openKey(machine, 'AT_SIGNATURE', { scope: 'machine' }),
];
// A key that opens and does not sign is none.
for (const key of keys) await key.sign(message('rsa-pkcs1-sha256'));
done(keys.map((key) => toHex(key.publicKey)));
