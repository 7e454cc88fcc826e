/** The access list as people change it: entries of agent.json, with users by name. */
import { KeyStoreError } from '../errors.ts';
import type { AccessEntry, AgentConfiguration } from './agent-configuration.ts';
import { AGENT_RIGHTS, type AccessRule, type AgentRight } from './options.ts';
import { userNumber } from '../platform/users.ts';

/** What a user has where no entry says otherwise. */
const DEFAULT_RIGHTS: readonly AgentRight[] = AGENT_RIGHTS.filter(
  (right) => right !== 'export' && right !== 'legacy',
);

/** Entries as they count: without any, everybody who may connect has the default rights. */
export function effectiveEntries({ access }: AgentConfiguration): readonly AccessEntry[] {
  return access ?? [{ users: 'all', keys: ['*'], rights: DEFAULT_RIGHTS }];
}

/**
 * Adds an entry, and lets its users connect.
 *
 * The first one ends the default for everybody. So those who had it keep it by an entry of their own: the agent's user, and whoever else may
 * connect, but not the users of the new entry, whom it limits.
 *
 * @param owner - The agent's own user, by name.
 */
export function withEntry(
  configuration: AgentConfiguration,
  entry: AccessEntry,
  owner: string,
): AgentConfiguration {
  const named = entry.users === 'all' ? [] : entry.users;
  const kept = [owner, ...configuration.users].filter((user) => !named.includes(user));
  const present: readonly AccessEntry[] = configuration.access ?? [
    { users: [...new Set(kept)], keys: ['*'], rights: DEFAULT_RIGHTS },
  ];
  return {
    ...configuration,
    users: [...new Set([...configuration.users, ...named])].filter((user) => user !== owner),
    access: [...present.filter(({ users }) => users === 'all' || users.length > 0), entry],
  };
}

/** @param index - From 0. */
export function withoutEntry(configuration: AgentConfiguration, index: number): AgentConfiguration {
  const { access } = configuration;
  if (!access?.[index])
    throw new KeyStoreError('PARAMETER_INVALID', `there is no entry ${index}`, {
      hint: 'See `keycask agent access list`. The default has no number: an entry of your own replaces it.',
    });
  return { ...configuration, access: access.filter((_, n) => n !== index) };
}

export function withLegacyKey(
  configuration: AgentConfiguration,
  key: string,
  isOn: boolean,
): AgentConfiguration {
  const others = configuration.legacyKeys.filter((name) => name !== key);
  return { ...configuration, legacyKeys: isOn ? [...others, key] : others };
}

/** The rules of a running agent: users by number. @throws KeyStoreError PARAMETER_INVALID for a user that there is not. */
export async function rulesOf(configuration: AgentConfiguration): Promise<AccessRule[]> {
  const { legacyKeys, allowExport, access } = configuration;
  const rules: AccessRule[] = [];
  for (const { users, keys, rights } of effectiveEntries(configuration))
    rules.push({ users: users === 'all' ? users : await numbersOf(users), keys, rights });
  // Without entries the switches are the whole rule: which keys, and each key's own policy. What no entry allows is refused.
  if (access) return rules;
  if (legacyKeys.length > 0) rules.push({ users: 'all', keys: legacyKeys, rights: ['legacy'] });
  if (allowExport) rules.push({ users: 'all', rights: ['export'] });
  return rules;
}

export function numbersOf(users: readonly string[]): Promise<number[]> {
  return Promise.all(users.map(userNumber));
}
