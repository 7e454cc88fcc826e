/** An agent: hardened first, then the keys of a software provider behind a socket. It says when it listens. */
import process from 'node:process';
import { hardenProcess } from '../../../lib/agent/harden.ts';
import { startAgent } from '../../../lib/agent/index.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
  passphraseProtector,
} from '../../../lib/providers/software/index.ts';
import { LITTLE } from '../../support/software-provider.ts';
import type { AgentOrder } from './agent-order.ts';
import { tell } from './tell.ts';

const order = JSON.parse(process.argv[2]!) as AgentOrder;
const hardening = await hardenProcess();
await startAgent({
  socket: order.socket,
  users: order.users,
  hardening,
  ...(order.access && { access: order.access }),
  ...(order.passphrase !== undefined && {
    passphrase: SecretBytes.copy(Buffer.from(order.passphrase)),
  }),
  openProvider: ({ passphrase, rsaThreads }) =>
    openSoftwareProvider({
      folder: order.keys,
      rsaThreads,
      protector:
        order.passphrase === undefined
          ? machineSecretProtector({ folder: order.stateFolder })
          : passphraseProtector({ passphrase, cost: LITTLE }),
    }),
});
tell('listening');
