/** Child: what another process does with the keys of a store. Arguments: what, a key's name, and one more. Says statuses or hex. */
import { done, started } from '../../../support/fork.ts';
import {
  createKey,
  crypt,
  finalizeKey,
  must,
  openKey,
  openProvider,
  setProperty,
} from '../raw-ncrypt.ts';
import { oaep } from '../raw-structures.ts';

const [what, name, argument] = process.argv.slice(2) as [string, string, string];
const PERSIST = 0x8000_0000;
const TIMES = 20;

const provider = must(openProvider());
await started();
done(act());

function act(): string {
  switch (what) {
    case 'create': {
      const [status, key] = createKey(provider, 'ECDH_P256', name);
      return status === 'ok' ? finalizeKey(key) : status;
    }
    case 'decrypt': {
      const key = must(openKey(provider, name));
      const data = must(crypt('NCryptDecrypt', key, Buffer.from(argument, 'hex'), oaep('SHA256')));
      return Buffer.from(data).toString('hex');
    }
    case 'set': {
      const key = must(openKey(provider, name));
      const statuses = Array.from({ length: TIMES }, (_, index) =>
        setProperty(key, `${argument}${index}`, Buffer.from(argument), PERSIST),
      );
      return statuses.find((status) => status !== 'ok') ?? 'ok';
    }
    default:
      return `no such act: ${what}`;
  }
}
