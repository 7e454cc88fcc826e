/** An agent: hardened first, then the keys of a software provider behind a socket. It says when it listens. */
import process from 'node:process';
import { hardenProcess } from '../../../lib/agent/harden.ts';
import { startAgent, type ProviderParts } from '../../../lib/agent/index.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { openPkcs11Provider } from '../../../lib/providers/pkcs11/index.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
  passphraseProtector,
} from '../../../lib/providers/software/index.ts';
import { LITTLE } from '../../support/software-provider.ts';
import type { AgentOrder } from './agent-order.ts';
import { tell } from './tell.ts';

const order = JSON.parse(process.argv[2]!) as AgentOrder;
const secret = order.token?.pin ?? order.passphrase;
const hardening = await hardenProcess();
await startAgent({
  socket: order.socket,
  users: order.users,
  hardening,
  ...(order.access && { access: order.access }),
  ...(secret !== undefined && { passphrase: SecretBytes.copy(Buffer.from(secret)) }),
  openProvider: (parts) => (order.token ? openToken(order.token, parts) : openKeyFiles(parts)),
});
tell('listening');

function openKeyFiles({ passphrase, rsaThreads }: ProviderParts) {
  return openSoftwareProvider({
    folder: order.keys,
    rsaThreads,
    protector:
      secret === undefined
        ? machineSecretProtector({ folder: order.stateFolder })
        : passphraseProtector({ passphrase, cost: LITTLE }),
  });
}

function openToken(
  { pkcs11Module, token }: NonNullable<AgentOrder['token']>,
  parts: ProviderParts,
) {
  return openPkcs11Provider({
    module: pkcs11Module!,
    token: token!,
    pin: parts.passphrase,
    lockFolder: order.stateFolder,
  });
}
