/** Many clients of one agent in one process: each unwraps records one after the other, and checks that the answer is its own. */
import { readFileSync } from 'node:fs';
import { openIsolatedProvider } from '../../../lib/providers/isolated/index.ts';
import { openKeyRecord } from '../../../lib/records/open.ts';
import { keyIdentifier } from '../../../lib/keys/key-identifier.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { fromHex } from '../../../lib/bytes/octets.ts';
import { done, started } from '../../support/fork.ts';

/** What the parent wrote; byte strings in hex. */
interface Work {
  readonly socket: string;
  readonly clients: number;
  readonly unwraps: number;
  readonly records: readonly { readonly bytes: string; readonly sessionKey: string }[];
}

const { publicKey } = JSON.parse(process.argv[3]!) as { readonly publicKey: string };
const SIGNER = { publicKey: fromHex(publicKey)! };
const { socket, clients, unwraps, records } = JSON.parse(
  readFileSync(process.argv[2]!, 'utf8'),
) as Work;
const verified = records.map(({ bytes, sessionKey }) => ({
  sessionKey,
  record: verifyKeyRecord(fromHex(bytes)!, {
    findSigner: (keyId, certificate) => ({ ...SIGNER, keyId, certificate, trust: 'pinned' }),
  }),
}));
const opened = await Promise.all(
  Array.from({ length: clients }, async () => {
    const provider = await openIsolatedProvider({ socket });
    return { provider, key: await provider.openKey('load', 'AT_KEYEXCHANGE') };
  }),
);
await started();
let next = 0;
let right = 0;
await Promise.all(
  opened.map(async ({ key }) => {
    const exchangeKeys = [{ key, keyId: keyIdentifier(key.publicKey) }];
    for (let n = next++; n < unwraps; n = next++) {
      const { record, sessionKey } = verified[n % verified.length]!;
      using found = await openKeyRecord(record, { exchangeKeys });
      if (Buffer.from(found.bytes).toString('hex') === sessionKey) right++;
    }
  }),
);
for (const { provider } of opened) await provider.close();
done(right);
