/** Child: what another process does with keys of the cng provider. Arguments: what to do, the key's name, and with what. */
import { fromHex, toHex } from '../../../lib/bytes/octets.ts';
import { ToBeSigned } from '../../../lib/contracts/to-be-signed.ts';
import { openCngProvider } from '../../../lib/providers/cng/index.ts';
import { makeKey } from '../../support/cng.ts';
import { done, started } from '../../support/fork.ts';

const [what, name, argument] = process.argv.slice(2) as [string, string, string];
await using provider = await openCngProvider();
await started();
done(await act());

async function act(): Promise<string> {
  if (what === 'make') return toHex((await makeKey(provider, name)).publicKey);
  const key = await provider.openKey(name, 'AT_SIGNATURE');
  if (what === 'sign')
    return toHex(await key.sign(ToBeSigned.signedAttributes('ecdsa-sha256', fromHex(argument)!)));
  for (let round = 0; round < 5; round++)
    await key.setProperty(`custom:${argument}${round}`, Uint8Array.of(round));
  return 'changed';
}
