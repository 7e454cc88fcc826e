/** An application that uses a home: it opens a session key, works with it, and does what it is told on its standard input. */
import { X509Certificate } from 'node:crypto';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import type { CreateStoreOptions } from '../../../lib/session-key-store/types.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import type { SessionKey } from '../../../lib/keys/session-key.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import type { HomeOrder } from '../../support/attack-ground.ts';
import { tell } from './tell.ts';

const { passphrase, pin, ...order } = JSON.parse(process.argv[2]!) as HomeOrder;
const answer = (text: string) => () => Promise.resolve(SecretBytes.copy(Buffer.from(text)));
const options: CreateStoreOptions = {
  ...order,
  ...(passphrase !== undefined && { passphrase: answer(passphrase) }),
  ...(pin !== undefined && { pin: answer(pin) }),
};
let store: SessionKeyStore | undefined;
let key: SessionKey | undefined;
let uses = 0;

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
  /** Uses its keys again and again from now on. */
  busy: async () => {
    void (async () => {
      for (; ; uses++) (await store!.openKey('demo')).dispose();
    })();
    return 'busy';
  },
  uses: async () => uses,
  /** Of the exchange key, in hex: what everybody knows of it. */
  modulus: async () => {
    const { publicKey } = new X509Certificate(await store!.certificate('exchange'));
    return Buffer.from(publicKey.export({ format: 'jwk' }).n!, 'base64url').toString('hex');
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
