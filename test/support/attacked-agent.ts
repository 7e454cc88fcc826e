/** Agents that are attacked, and applications whose keys they hold. */
import { join } from 'node:path';
import { SECURE_HEAP_ARGUMENTS } from '../../lib/agent/index.ts';
import type { ContainerAlgorithm } from '../../lib/session-key-store/types.ts';
import type { AgentOrder } from '../proofs/children/agent-order.ts';
import type { AttackGround, Place } from './attack-ground.ts';
import type { Child } from './child-process.ts';
import type { ThrowAwayUser } from './throw-away-user.ts';

export interface AttackedAgent {
  readonly process: Child;
  readonly socket: string;
  readonly place: Place;
}

interface AgentWish extends Pick<AgentOrder, 'users' | 'access' | 'passphrase' | 'token'> {
  /** Of its process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Starts an agent as a user. The folder of its socket is open to all: who may connect is asked of the kernel. */
export async function startAgent(
  ground: AttackGround,
  keeper: ThrowAwayUser,
  { environment = {}, ...wish }: AgentWish,
): Promise<AttackedAgent> {
  const place = ground.place(keeper);
  const socket = join(ground.openFolder(keeper), 'agent.sock');
  const order = { socket, ...place, ...wish };
  const nodeArguments = SECURE_HEAP_ARGUMENTS;
  const process = await ground.start(keeper, 'agent', order, { environment, nodeArguments });
  if ((await process.next()) !== 'listening') throw new TypeError('want an agent that listens');
  return { process, socket, place };
}

/** An application of a user whose keys are in an agent, at work; and the home that it has open. */
export async function applicationOf(
  ground: AttackGround,
  { socket, place: { user: keeper } }: AttackedAgent,
  owner: ThrowAwayUser,
  algorithm: ContainerAlgorithm,
) {
  const place = ground.place(owner);
  const agent = { provider: 'isolated', agentSocket: socket, agentUser: String(keeper.uid) };
  await ground.makeHome(place, { algorithm, ...agent });
  const { home, stateFolder } = place;
  return { application: await ground.application(place), home: { home, stateFolder } };
}
