/** AccessList: which user may do what with which key. */
import { KeyStoreError } from '../errors.ts';
import { fitsPattern } from './name-pattern.ts';
import { AGENT_RIGHTS, type AccessRule, type AgentRight } from './options.ts';

const DEFAULT_RULES: readonly AccessRule[] = [
  {
    users: 'all',
    rights: AGENT_RIGHTS.filter((right) => right !== 'export' && right !== 'legacy'),
  },
];

/** Rights that are uses of one key: each of them lets its holder open it. */
const USES: readonly AgentRight[] = ['unwrap', 'sign', 'change', 'delete', 'export', 'legacy'];

/** A user as the rules see it; undefined where the system tells none (Windows): then only rules for all count. */
type User = number | undefined;

export class AccessList {
  readonly #rules: readonly AccessRule[];

  constructor(rules: readonly AccessRule[] = DEFAULT_RULES) {
    this.#rules = rules;
  }

  /** @param name - null of an ephemeral key: whoever may make some key may make it, and nobody else has a handle of it. */
  rightsOf(user: User, name: string | null): ReadonlySet<AgentRight> {
    const rights = new Set<AgentRight>();
    for (const rule of this.#rulesOf(user)) {
      if (name !== null && !fitsPattern(rule.keys ?? ['*'], name)) continue;
      for (const right of rule.rights) rights.add(right);
    }
    if (name !== null || !rights.has('create')) return rights;
    return new Set([...rights, 'unwrap', 'sign', 'change', 'delete', 'export']);
  }

  mayOpen(rights: ReadonlySet<AgentRight>): boolean {
    return USES.some((right) => rights.has(right));
  }

  /** @throws KeyStoreError AGENT_ACCESS_DENIED. */
  requireManage(user: User): void {
    if (!this.#rulesOf(user).some(({ rights }) => rights.includes('manage')))
      throw refused('lock and unlock it');
  }

  #rulesOf(user: User): readonly AccessRule[] {
    return this.#rules.filter(
      ({ users }) => users === 'all' || (user !== undefined && users.includes(user)),
    );
  }
}

/** @throws KeyStoreError AGENT_ACCESS_DENIED. */
export function requireRight(rights: ReadonlySet<AgentRight>, right: AgentRight): void {
  if (!rights.has(right)) throw refused(WORDS[right]);
}

function refused(what: string): KeyStoreError {
  return new KeyStoreError(
    'AGENT_ACCESS_DENIED',
    `the agent's access list does not let this user ${what}`,
  );
}

const WORDS: Readonly<Record<AgentRight, string>> = {
  list: 'list keys',
  unwrap: 'unwrap with this key',
  sign: 'sign with this key',
  create: 'make a key of this name',
  change: 'change this key',
  delete: 'delete this key',
  export: 'export this key',
  legacy: 'open unsigned blobs with this key',
  manage: 'lock and unlock it',
};
