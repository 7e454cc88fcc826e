/** Checking what a caller asks of NCryptCreatePersistedKey and NCryptOpenKey, types or no types. */
import {
  isHardware,
  PROTECTION_LEVELS,
  type ProtectionLevel,
} from '../../contracts/protection-level.ts';
import type {
  CreateKeyOptions,
  Isolation,
  KeyScope,
  LegacyKeySpec,
} from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { requireText, type KeyKind } from './key-properties.ts';
import { LIMITS } from './limits.ts';

/** CreateKeyOptions with every default filled in. */
export interface CreateFlags {
  readonly scope: KeyScope;
  readonly silent: boolean;
  readonly overwrite: boolean;
  readonly isolation: Isolation;
  readonly perBoot: boolean;
}

/** @throws KeyStoreError PARAMETER_INVALID, FLAGS_INVALID. */
export function readCreateOptions(
  key: KeyKind & { readonly name: string | null },
  options: CreateKeyOptions,
): CreateFlags {
  const { scope = 'user', isolation = 'none', perBoot = false } = options;
  const { silent = false, overwrite = false } = options;
  if (key.name !== null) requireName(key.name);
  requireSpec(key.legacyKeySpec);
  requireSpecFits(key);
  requireScope(scope);
  if (!ISOLATIONS.includes(isolation))
    throw new KeyStoreError('FLAGS_INVALID', 'isolation: want none, prefer-vbs or require-vbs');
  if (perBoot && isolation === 'none')
    throw new KeyStoreError('FLAGS_INVALID', 'perBoot goes with prefer-vbs or require-vbs only');
  return { scope, silent, overwrite, isolation, perBoot };
}

/**
 * What a storage answers to a key that needs VBS, or its equals: a token, a TPM.
 *
 * @param level - Where the storage uses its keys.
 */
export function refuseVbs(
  { isolation }: Pick<CreateFlags, 'isolation'>,
  level: ProtectionLevel = 'this process',
): void {
  if (isolation === 'require-vbs' && !isHardware(level))
    throw new KeyStoreError(
      'VBS_UNAVAILABLE',
      `keys of this provider are used ${PROTECTION_LEVELS[level].words}; require-vbs wants VBS, a token or a TPM`,
      {
        hint: 'Use the provider pkcs11 with a token, cng on a Windows that has VBS, or prefer-vbs to take the strongest that is here.',
      },
    );
}

export function requireName(name: unknown): asserts name is string {
  requireText("a key's name", name, 1, LIMITS.nameInCharacters);
}

export function requireAlgorithm(algorithm: unknown): asserts algorithm is KeyAlgorithm {
  if (!ALGORITHMS.includes(algorithm)) throw new KeyStoreError('ALGORITHM_UNSUPPORTED');
}

export function requireSpec(spec: unknown): asserts spec is LegacyKeySpec {
  if (!SPECS.includes(spec))
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'legacyKeySpec: want AT_KEYEXCHANGE, AT_SIGNATURE or none',
    );
}

export function requireScope(scope: unknown): asserts scope is KeyScope {
  if (scope !== 'user' && scope !== 'machine')
    throw new KeyStoreError('PARAMETER_INVALID', 'scope: want user or machine');
}

/** A container's exchange key unwraps and its signature key signs: an EC key does only one of the two. */
function requireSpecFits({ algorithm, legacyKeySpec }: KeyKind): void {
  const misfit = { AT_KEYEXCHANGE: 'ECDSA', AT_SIGNATURE: 'ECDH', none: undefined }[legacyKeySpec];
  if (misfit !== undefined && algorithm.startsWith(misfit))
    throw new KeyStoreError('PARAMETER_INVALID', `${algorithm} cannot be ${legacyKeySpec}`);
}

const ALGORITHMS: readonly unknown[] = [
  'RSA',
  'ECDH_P256',
  'ECDH_P384',
  'ECDSA_P256',
  'ECDSA_P384',
] satisfies KeyAlgorithm[];
const SPECS: readonly unknown[] = [
  'AT_KEYEXCHANGE',
  'AT_SIGNATURE',
  'none',
] satisfies LegacyKeySpec[];
const ISOLATIONS: readonly Isolation[] = ['none', 'prefer-vbs', 'require-vbs'];
