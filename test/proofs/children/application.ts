/** An application that uses a home: it opens a session key, works with it, and does what it is told on its standard input. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import type { CreateStoreOptions } from '../../../lib/session-key-store/types.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import type { SessionKey } from '../../../lib/keys/session-key.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { tell } from './tell.ts';

/** Its passphrase travels as text. */
type Order = Omit<CreateStoreOptions, 'passphrase'> & { readonly passphrase?: string };
const { passphrase, ...order } = JSON.parse(process.argv[2]!) as Order;
const options: CreateStoreOptions = {
  ...order,
  ...(passphrase !== undefined && {
    passphrase: () => Promise.resolve(SecretBytes.copy(Buffer.from(passphrase))),
  }),
};
let store: SessionKeyStore | undefined;
let key: SessionKey | undefined;

const commands: Record<string, () => Promise<unknown>> = {
  create: async () => {
    store = await SessionKeyStore.create(options);
    using made = await store.createKey('demo');
    return made.id;
  },
  open: async () => {
    // Nothing of a session key is kept beside the one that is open.
    store = await SessionKeyStore.open({ ...options, cache: { maxAgeMs: 0 } });
    key = await store.openKey('demo');
    return key.id;
  },
  /** Unwraps, signs, encrypts and decrypts. */
  use: async () => {
    for (let round = 0; round < 5; round++) {
      using again = await store!.openKey('demo');
      await store!.decrypt(await store!.encrypt(Buffer.from('text'), { key: again.id }));
    }
    return 'used';
  },
  dispose: async () => {
    key!.dispose();
    return 'disposed';
  },
  close: async () => {
    await store!.close();
    store = undefined;
    return 'closed';
  },
};

for await (const line of createInterface({ input: process.stdin }))
  tell(
    await commands[line]!().catch((error: unknown) =>
      KeyStoreError.is(error)
        ? { code: error.code, message: error.message }
        : { code: String(error) },
    ),
  );
