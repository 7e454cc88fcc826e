/** Where an agent listens, and who the agent is, where nobody said. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { userNumber } from './users.ts';

/** Of an agent that was installed with a user of its own. */
export const SYSTEM_AGENT = { socket: '/run/keycask/agent.sock', user: 'keycask-agent' } as const;

/**
 * The socket of an agent that this user starts: KEYCASK_AGENT_SOCKET, else `$XDG_RUNTIME_DIR/keycask/agent.sock`, else one in /tmp that is
 * named after the user.
 */
export function ownAgentSocket(environment: NodeJS.ProcessEnv = process.env): string {
  const { KEYCASK_AGENT_SOCKET: given, XDG_RUNTIME_DIR: runtime } = environment;
  if (given) return given;
  if (process.platform === 'win32')
    return String.raw`\\.\pipe\keycask-agent-${userInfo().username}`;
  // The XDG specification: a relative path is invalid and ignored.
  if (runtime?.startsWith('/')) return join(runtime, 'keycask', 'agent.sock');
  return `/tmp/keycask-${userInfo().uid}/agent.sock`;
}

/** The socket that a client asks at: its own agent's, or that of an installed one where only that is there. */
export function agentSocket(environment: NodeJS.ProcessEnv = process.env): string {
  const own = ownAgentSocket(environment);
  const isGiven = Boolean(environment['KEYCASK_AGENT_SOCKET']);
  if (isGiven || process.platform === 'win32' || existsSync(own)) return own;
  return existsSync(SYSTEM_AGENT.socket) ? SYSTEM_AGENT.socket : own;
}

/**
 * The number of the user whose socket is believed, beside this one and root.
 *
 * @param user - By name or number; default: of an installed agent's socket the user that `agent install` makes.
 * @throws KeyStoreError PARAMETER_INVALID where there is no such user.
 */
export async function agentUserOf(
  socket: string,
  user: string | undefined,
): Promise<number | undefined> {
  if (user !== undefined) return userNumber(user);
  if (socket !== SYSTEM_AGENT.socket) return undefined;
  return userNumber(SYSTEM_AGENT.user).catch(() => undefined);
}
