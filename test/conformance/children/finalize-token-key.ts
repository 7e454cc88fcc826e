/** Child: makes keys of given names on a token and tells the public keys that won. Arguments: module, token, folder of lock files, number of names. */
import { toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { openPkcs11Provider } from '../../../lib/providers/pkcs11/index.ts';
import { done, started } from '../../support/fork.ts';
import { pinOf, USER_PIN } from '../../support/softhsm.ts';

const [module, token, lockFolder, count] = process.argv.slice(2);
const provider = await openPkcs11Provider({
  module: module!,
  token: token!,
  pin: pinOf(USER_PIN),
  lockFolder: lockFolder!,
});
const pending = [];
for (let n = 0; n < Number(count); n++)
  pending.push(await provider.createPersistedKey('ECDH_P256', `raced ${n}`, 'AT_KEYEXCHANGE'));
await started();
const won: Record<string, string> = {};
for (const [n, key] of pending.entries()) {
  try {
    won[`raced ${n}`] = toHex((await key.finalize()).publicKey);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'CONTAINER_EXISTS') throw error;
  }
}
await provider.close();
done(won);
