/** The agent as one of its clients sees it: as the same user, or as another one. */
import {
  protectionOf,
  type KeyReader,
  type ProtectionLevel,
} from '../contracts/protection-level.ts';
import type { ProviderCapabilities } from '../contracts/provider.ts';
import type { AgentPlace } from './agent-posture.ts';
import type { AgentOptions } from './options.ts';
import type { Peer } from './peer.ts';
import { userName } from '../platform/users.ts';

/** @returns What a client's keys are told with. */
export async function placesOf({
  hardening,
  allowExport: allowsExport = false,
}: AgentOptions): Promise<(peer: Peer) => AgentPlace> {
  const own = process.geteuid?.();
  const user = own === undefined ? 'unknown' : await userName(own);
  const isHidden =
    hardening?.measures.some((one) => one.name === 'not-dumpable' && one.isInForce) ?? false;
  // Of whom nothing is known may be the same user.
  return ({ uid }) => ({
    user,
    isOtherUser: uid !== undefined && uid !== own,
    isHidden,
    allowsExport,
  });
}

/**
 * What the agent is worth for a client, before it opens a key: each key's posture is more exact.
 *
 * @param onDisk - Who could open what lies on disk, asking nobody.
 */
export function levelFor(
  place: AgentPlace,
  capabilities: ProviderCapabilities,
  onDisk: KeyReader,
): ProtectionLevel {
  const { protectionLevel } = capabilitiesFor(place, capabilities);
  // A token is one, whoever asks.
  if (protectionLevel === capabilities.protectionLevel) return protectionLevel;
  const { isOtherUser, isHidden } = place;
  if (isOtherUser) return protectionLevel;
  return protectionOf(protectionLevel, onDisk, isHidden ? 'root' : 'same user').level;
}

/** A client's keys are used in the agent, not in the client's process. */
export function capabilitiesFor(
  { isOtherUser }: AgentPlace,
  capabilities: ProviderCapabilities,
): ProviderCapabilities {
  if (capabilities.protectionLevel !== 'this process') return capabilities;
  const protectionLevel = isOtherUser ? 'agent, other user' : 'agent, same user';
  return { ...capabilities, protectionLevel };
}
