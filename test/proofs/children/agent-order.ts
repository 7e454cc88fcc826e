/** What an agent of the tests is started with. */
import type { AccessRule } from '../../../lib/agent/index.ts';
import type { HomeOrder } from '../../support/attack-ground.ts';

/** How a test wants its agent. */
export interface AgentOrder {
  readonly socket: string;
  readonly keys: string;
  readonly stateFolder: string;
  readonly users: readonly number[];
  readonly access?: readonly AccessRule[];
  /** The protector is `passphrase` where there is one. */
  readonly passphrase?: string;
  /** In place of key files. */
  readonly token?: Pick<HomeOrder, 'pkcs11Module' | 'token' | 'pin'>;
}
