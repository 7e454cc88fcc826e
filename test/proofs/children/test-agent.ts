/** An agent that a test kills, starts again, and loads: a software provider in a folder. */
import { join } from 'node:path';
import { fromHex } from '../../../lib/bytes/octets.ts';
import { hardenProcess, startAgent } from '../../../lib/agent/index.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
} from '../../../lib/providers/software/index.ts';
import { started } from '../../support/fork.ts';

/** What the parent says; byte strings in hex. */
interface Orders {
  readonly folder: string;
  readonly signer: readonly [keyId: string, publicKey: string, certificate: string];
  /** Users that may connect. */
  readonly users?: readonly number[];
}

const { folder, signer, users } = JSON.parse(process.argv[2]!) as Orders;
const hardening = await hardenProcess();
const [keyId, publicKey, certificate] = signer.map((hex) => fromHex(hex)!);
await startAgent({
  socket: join(folder, 'agent.sock'),
  openProvider: ({ rsaThreads }) =>
    openSoftwareProvider({
      folder: join(folder, 'keys'),
      protector: machineSecretProtector({ folder: join(folder, 'state') }),
      rsaThreads,
    }),
  trustedSigners: [{ keyId: keyId!, publicKey: publicKey!, certificate: certificate! }],
  auditFile: join(folder, 'audit.log'),
  ...(users && { users }),
  hardening,
});
process.on('disconnect', () => process.exit());
await started();
