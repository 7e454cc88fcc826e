/** The posture of a key as a client of an agent sees it: where the agent is, and what is left to whom. */
import {
  protectionOf,
  type KeyReader,
  type ProtectionLevel,
} from '../contracts/protection-level.ts';
import type { Posture } from '../contracts/provider.ts';

/** The agent, from the point of view of one client. */
export interface AgentPlace {
  /** User that the agent runs as, by name or number. */
  readonly user: string;
  /** Is the client somebody else than that user? */
  readonly isOtherUser: boolean;
  /** Did the system hide the agent's memory from other programs of its user (HardeningReport, `not-dumpable`)? */
  readonly isHidden: boolean;
  /** Does the agent give private keys out where their own policy allows it? */
  readonly allowsExport: boolean;
}

/**
 * Tells the posture of a key that an agent's provider holds.
 *
 * A token stays a token. Of a software key the place becomes the agent, and what the agent's user could read becomes what root could, where the
 * client is another user. Of the same user nothing is gained on disk: under a machine secret he opens the key file himself.
 *
 * @param posture - As the provider in the agent tells it.
 */
export function postureInAgent(posture: Posture, agent: AgentPlace): Posture {
  const exportable = posture.exportable && agent.allowsExport;
  if (posture.inMemory !== 'this process')
    return { ...posture, usableBy: usersOf(agent), exportable };
  const { user, isOtherUser, isHidden } = agent;
  const place: ProtectionLevel = isOtherUser ? 'agent, other user' : 'agent, same user';
  const inMemory: KeyReader = isOtherUser || isHidden ? 'root' : 'same user';
  const { onDisk } = posture.couldRead;
  const protection = protectionOf(
    place,
    isOtherUser && onDisk === 'same user' ? 'root' : onDisk,
    inMemory,
  );
  return {
    ...posture,
    ...protection,
    inMemory: place,
    readableBy: readersOf(posture, agent, protection.level),
    usableBy: usersOf(agent),
    exportable,
    notes: [...posture.notes, ...noteOf(place, protection.level, user)],
  };
}

function readersOf(posture: Posture, { user, isOtherUser }: AgentPlace, level: ProtectionLevel) {
  if (isOtherUser) return [`the agent's user, ${user}`, 'administrators of this machine'];
  return level === 'this process'
    ? ['every process of this user', 'administrators of this machine']
    : posture.readableBy.map((reader) => (reader === 'this process' ? 'the agent' : reader));
}

function usersOf({ user }: AgentPlace): string[] {
  return [
    `whom the agent's access list names`,
    `the agent's user, ${user}`,
    'administrators of this machine',
  ];
}

/** An agent that is worth no more than this process says so, and why. */
function noteOf(place: ProtectionLevel, level: ProtectionLevel, user: string): string[] {
  if (place === level) return [];
  return [
    `the agent runs as ${user}, who uses it: what lies on disk, or the agent's memory, is open to each of his programs. Give it a passphrase, or a user of its own`,
  ];
}
