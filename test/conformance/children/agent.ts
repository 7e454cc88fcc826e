/** An agent for the provider suite: a software provider in a folder, the suite's signer trusted. Ends when its parent does. */
import { join } from 'node:path';
import { fromHex } from '../../../lib/bytes/octets.ts';
import { AGENT_RIGHTS, hardenProcess } from '../../../lib/agent/index.ts';
import { startAgentThatSigns } from '../../../lib/agent/start-agent.ts';
import { judgeMessage } from '../../../lib/agent/own-messages.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
} from '../../../lib/providers/software/index.ts';
import { started } from '../../support/fork.ts';

const hardening = await hardenProcess();
const [, , folder, keyId, publicKey, certificate] = process.argv;
const hex = (text: string | undefined) => fromHex(text ?? '')!;

await startAgentThatSigns(
  // The suite has a provider sign 64 KiB of zeros as the longest message that there is. An agent does not: this one may, for that message.
  async (wanted) => (isLongestMessage(wanted.message) ? 'longest' : judgeMessage(wanted)),
  {
    socket: join(folder!, 'agent.sock'),
    openProvider: ({ rsaThreads }) =>
      openSoftwareProvider({
        folder: join(folder!, 'keys'),
        protector: machineSecretProtector({ folder: join(folder!, 'state') }),
        rsaThreads,
      }),
    trustedSigners: [
      { keyId: hex(keyId), publicKey: hex(publicKey), certificate: hex(certificate) },
    ],
    allowExport: true,
    access: [{ users: 'all', rights: AGENT_RIGHTS }],
    hardening,
  },
);
process.on('disconnect', () => process.exit());
await started();

function isLongestMessage(message: Uint8Array): boolean {
  return message.length === 64 << 10 && message.every((byte) => byte === 0);
}
