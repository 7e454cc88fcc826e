/** Reaching an agent from the command line: which socket, and whose it has to be. */
import { resolve } from 'node:path';
import type { IsolatedProvider } from '../providers/isolated/index.ts';
import type { CommandContext } from './context.ts';

export interface AgentSocketOptions {
  readonly socket?: string;
  /** The user that the agent runs as, by name or number. */
  readonly agentUser?: string;
}

/** An agent that may be there. */
export interface AgentAddress {
  readonly socket: string;
  readonly agentUser?: number;
}

export async function addressOf({
  options,
}: CommandContext<AgentSocketOptions>): Promise<AgentAddress> {
  const { agentSocket, agentUserOf } = await import('../platform/agent-socket.ts');
  const socket = options.socket === undefined ? agentSocket() : resolve(options.socket);
  const agentUser = await agentUserOf(socket, options.agentUser);
  return { socket, ...(agentUser !== undefined && { agentUser }) };
}

/** @throws KeyStoreError AGENT_UNAVAILABLE, AGENT_NOT_TRUSTED, AGENT_ACCESS_DENIED. */
export async function connect(address: AgentAddress): Promise<IsolatedProvider> {
  const { openIsolatedProvider } = await import('../providers/isolated/index.ts');
  return openIsolatedProvider({ ...address, reconnectMs: 0 });
}
