/** Caller: who asks the agent for something. */
import type { Peer } from './peer.ts';
import type { Session } from './sessions.ts';

export interface Caller {
  readonly session: Session;
  readonly peer: Peer;
}
