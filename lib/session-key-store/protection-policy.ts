/** The policies of a trust list, and whether a key container satisfies them. */
import {
  isAtLeast,
  isProtectionLevel,
  PROTECTION_LEVELS,
  type ProtectionLevel,
} from '../contracts/protection-level.ts';
import { KeyStoreError } from '../errors.ts';
import type { TrustList } from '../trust/trust-list.ts';
import type { OpenContainer } from './container.ts';

/** What a home demands of the private keys that it makes and opens. */
export interface HomePolicies {
  /** `minimum-protection`: the weakest level that private keys may have. */
  readonly minimumProtection?: ProtectionLevel;
}

/** As it stands in trust.cms. */
export const MINIMUM_PROTECTION = 'minimum-protection';

/**
 * The policies of a trust list.
 *
 * @throws KeyStoreError POLICY_REFUSED for one that this release does not know: it is not ignored.
 */
export function policiesOf({ policies }: Pick<TrustList, 'policies'>): HomePolicies {
  let minimumProtection: ProtectionLevel | undefined;
  for (const [name, value] of policies) {
    if (name !== MINIMUM_PROTECTION)
      throw new KeyStoreError(
        'POLICY_REFUSED',
        `this release does not know the policy ${JSON.stringify(name)}`,
      );
    if (!isProtectionLevel(value))
      throw new KeyStoreError(
        'POLICY_REFUSED',
        `this release does not know the protection level ${JSON.stringify(value)}`,
      );
    minimumProtection = value;
  }
  return minimumProtection === undefined ? {} : { minimumProtection };
}

/** @throws KeyStoreError POLICY_REFUSED where the container's keys are less protected than the list demands. */
export function requireProtection(
  list: Pick<TrustList, 'policies'>,
  container: Pick<OpenContainer, 'name' | 'protection'>,
): void {
  const { minimumProtection: wanted } = policiesOf(list);
  if (wanted !== undefined) requireLevel(wanted, container);
}

/** @throws KeyStoreError POLICY_REFUSED, with the level that is wanted and the one that there is. */
export function requireLevel(
  wanted: ProtectionLevel,
  { name, protection }: Pick<OpenContainer, 'name' | 'protection'>,
): void {
  const { level, inMemory } = protection;
  if (isAtLeast(level, wanted)) return;
  const less = level === inMemory ? '' : `, which counts as ${quoted(level)}`;
  throw new KeyStoreError(
    'POLICY_REFUSED',
    `${MINIMUM_PROTECTION} wants private keys ${quoted(wanted)}; those of the container ${name} are ${quoted(inMemory)}${less}`,
    {
      hint:
        level === inMemory
          ? 'Use a provider of that level: `keycask doctor` tells which are here. The policy is changed, where the home opens, by `keycask trust policy`.'
          : 'What lies on disk opens to every program of this user: give the agent a passphrase, or a user of its own (`keycask agent install`).',
    },
  );
}

/** `in a token or TPM ("token")` */
function quoted(level: ProtectionLevel): string {
  return `${PROTECTION_LEVELS[level].words} ("${level}")`;
}
