/** Looking after the policies of a home: show, set, remove. Each change is one of trust.cms, signed and entered in the manifest. */
import {
  isProtectionLevel,
  LEVEL_NAMES,
  type ProtectionLevel,
} from '../contracts/protection-level.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import type { TrustList } from '../trust/trust-list.ts';
import type { Home } from './home.ts';
import {
  MINIMUM_PROTECTION,
  policiesOf,
  requireLevel,
  type HomePolicies,
} from './protection-policy.ts';

export type { HomePolicies } from './protection-policy.ts';

export function listPolicies(home: Home): HomePolicies {
  return policiesOf(home.trust.list);
}

/**
 * Demands a protection level of every private key that the home makes or opens from now on; undefined demands nothing.
 *
 * @throws KeyStoreError POLICY_REFUSED where a container of this home is below: the home would lock itself out.
 */
export async function setMinimumProtection(
  home: Home,
  level: ProtectionLevel | undefined,
): Promise<HomePolicies> {
  if (level !== undefined && !isProtectionLevel(level))
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `there is no protection level ${JSON.stringify(level)}: want ${LEVEL_NAMES.join('; ')}`,
    );
  await home.refresh();
  const looked = level === undefined ? undefined : await requireOfAll(home, level);
  await home.commitTrust((list) => {
    // Of a container that another process made the current one meanwhile, nothing is known here.
    if (looked && namesOf(list).some((name) => !looked.has(name)))
      throw new KeyStoreError(
        'STORE_CONFLICT',
        'another process changed the containers: try again',
      );
    const others = list.policies.filter(([name]) => name !== MINIMUM_PROTECTION);
    return {
      ...list,
      policies: level === undefined ? others : [...others, [MINIMUM_PROTECTION, level]],
    };
  });
  return listPolicies(home);
}

/** @returns Names of the containers that were looked at. */
async function requireOfAll(home: Home, level: ProtectionLevel): Promise<ReadonlySet<string>> {
  const names = namesOf(home.trust.list);
  const { name: current } = home.trust.current.container;
  for (const name of names) {
    try {
      requireLevel(level, await home.openContainer(name));
    } catch (error) {
      // A retired one whose keys are gone opens nothing any more.
      if (name === current || !KeyStoreError.is(error) || !GONE.includes(error.code)) throw error;
    }
  }
  return new Set(names);
}

function namesOf({ containers }: TrustList): string[] {
  return containers.filter(({ state }) => state !== 'revoked').map(({ name }) => name);
}

const GONE: readonly KeyStoreErrorCode[] = ['CONTAINER_NOT_FOUND', 'KEY_FILE_DAMAGED'];
