/** What an agent of the tests is started with. */
import type { AccessRule } from '../../../lib/agent/index.ts';

/** How a test wants its agent. */
export interface AgentOrder {
  readonly socket: string;
  readonly keys: string;
  readonly stateFolder: string;
  readonly users: readonly number[];
  readonly access?: readonly AccessRule[];
  /** The protector is `passphrase` where there is one. */
  readonly passphrase?: string;
}
