/** A client of an agent that runs as another user: says what became of its requests. */
import { KeyStoreError } from '../../../lib/errors.ts';
import { openIsolatedProvider } from '../../../lib/providers/isolated/index.ts';

const [, , socket, name] = process.argv;

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'none';
  } catch (error) {
    return KeyStoreError.is(error) ? error.code : String(error);
  }
}

let level = '';
const connect = await codeOf(async () => {
  await using provider = await openIsolatedProvider({ socket: socket! });
  level = provider.capabilities.protectionLevel;
});
let posture: unknown;
const use = await codeOf(async () => {
  await using provider = await openIsolatedProvider({ socket: socket! });
  await using key = await provider.openKey(name!, 'AT_KEYEXCHANGE');
  posture = await key.getProperty('posture');
});
process.stdout.write(JSON.stringify({ connect, level, use, posture }));
