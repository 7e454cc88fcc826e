/** The isolated provider is a provider: the suite as it is, with the private keys in another process. */
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, it } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import { openIsolatedProvider } from '../../lib/providers/isolated/index.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { recordFor } from '../../lib/testing/provider/test-messages.ts';
import { FULL_CAPABILITIES } from '../support/capabilities.ts';
import { forkTest, go } from '../support/fork.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const agents: ChildProcess[] = [];
afterEach(() => {
  for (const agent of agents.splice(0)) agent.kill('SIGKILL');
});

testProvider(
  'isolated',
  async () => {
    const folder = await temporaryFolder();
    const { keyId, publicKey, certificate } = await signerOfTheSuite();
    const pins = [keyId, publicKey, certificate].map(toHex);
    const agent = await forkTest('conformance/children/agent.ts', [folder.path, ...pins]);
    go(agent);
    agents.push(agent);
    const open = () => openIsolatedProvider({ socket: join(folder.path, 'agent.sock') });
    return { provider: await open(), openAgain: open, dispose: () => folder.remove() };
  },
  {
    describe,
    it,
    skip: it.skip,
    capabilities: { ...FULL_CAPABILITIES, protectionLevel: 'agent, same user' },
  },
);

/** The suite signs its records itself; an agent has to be told to trust it. */
async function signerOfTheSuite() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  return (await recordFor(spki)).record.parts.signer;
}
