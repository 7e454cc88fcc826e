/** Child: makes keys of given names and tells the public keys that won. Arguments: folder, state folder, number of names, overwrite or not. */
import { toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
} from '../../../lib/providers/software/index.ts';
import { done, started } from '../../support/fork.ts';

const [folder, state, count, overwrite] = process.argv.slice(2);
const protector = machineSecretProtector({ folder: state! });
const provider = await openSoftwareProvider({ folder: folder!, protector });
const options = { overwrite: overwrite === 'overwrite' };
const pending = [];
for (let n = 0; n < Number(count); n++)
  pending.push(
    await provider.createPersistedKey('ECDH_P256', `key ${n}`, 'AT_KEYEXCHANGE', options),
  );
await started();
const won: Record<string, string> = {};
for (const [n, key] of pending.entries()) {
  try {
    won[`key ${n}`] = toHex((await key.finalize()).publicKey);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'CONTAINER_EXISTS') throw error;
  }
}
done(won);
