/** The posture of a CNG key, after "Why use CNG instead of CryptoAPI to store keys": which process can read the private half. */
import {
  protectionOf,
  type KeyReader,
  type ProtectionLevel,
} from '../../contracts/protection-level.ts';
import type { KeyScope, Posture } from '../../contracts/provider.ts';
import type { StoredProperties } from '../rules/key-properties.ts';

export interface CngPostureFacts {
  readonly isPersisted: boolean;
  readonly scope: KeyScope;
  /** Of the keys that the storage provider keeps. */
  readonly level: ProtectionLevel;
  readonly storageProvider: string;
  /** "Virtual Iso": the key really is in VBS, whatever was asked for. */
  readonly isVirtuallyIsolated: boolean;
  readonly perBoot: boolean;
  readonly inLegacyStore: boolean;
  /** Another application made it, maybe with CryptoAPI. */
  readonly mayBeLegacy: boolean;
}

export function postureOf(facts: CngPostureFacts, properties: StoredProperties): Posture {
  const { isPersisted, scope, perBoot } = facts;
  const inMemory = placeOf(facts);
  const isBoundToTpm = inMemory === 'VBS' || inMemory === 'token';
  const { exportPolicy } = properties;
  return {
    ...protectionOf(inMemory, isPersisted ? READERS_ON_DISK[inMemory] : 'nobody'),
    inMemory,
    onDisk: isPersisted ? `key file of the ${facts.storageProvider}` : 'nowhere',
    readableBy: READERS[inMemory] ?? [],
    usableBy: isPersisted
      ? [
          scope === 'machine'
            ? 'whom the access list of the key names'
            : 'every process of this user',
          'administrators of this machine',
        ]
      : ['this process'],
    exportable: exportPolicy.export || exportPolicy.plaintextExport,
    perBoot,
    survives: {
      // A user's keys lie under DPAPI, whose master key a forced reset loses.
      passwordReset: !isPersisted || scope === 'machine' || isBoundToTpm,
      newMachine: false,
      tpmClear: !isBoundToTpm,
      reboot: isPersisted && !perBoot,
    },
    notes: notesOf(facts, properties, inMemory),
  };
}

/** Key isolation is documented for long-lived keys: an ephemeral one is here. */
function placeOf({ isVirtuallyIsolated, isPersisted, level }: CngPostureFacts): ProtectionLevel {
  if (isVirtuallyIsolated) return 'VBS';
  return level === 'LSASS' && !isPersisted ? 'this process' : level;
}

/** Of a key file. Windows keeps the one of an isolated key for the key isolation service; keycask takes its word for that. */
const READERS_ON_DISK: Record<ProtectionLevel, KeyReader> = {
  'this process': 'same user',
  'agent, same user': 'same user',
  'agent, other user': 'root',
  LSASS: 'root',
  token: 'nobody',
  VBS: 'nobody',
};

/** Who can read the private half while it is used. */
const READERS: Partial<Record<ProtectionLevel, readonly string[]>> = {
  'this process': ['this process', 'every process of this user', 'administrators of this machine'],
  LSASS: ['the LSASS process', 'administrators, unless LSA protection keeps them out of LSASS'],
  VBS: [],
  token: [],
};

function notesOf(
  { isVirtuallyIsolated, inLegacyStore, mayBeLegacy }: CngPostureFacts,
  { isolation, uiPolicy }: StoredProperties,
  inMemory: ProtectionLevel,
): string[] {
  return [
    ...(isolation === 'prefer-vbs' && !isVirtuallyIsolated
      ? ['prefer-vbs: no VBS here, so this is a software key']
      : []),
    ...(uiPolicy.level === 'none' || inMemory !== 'this process'
      ? []
      : [`uiPolicy ${uiPolicy.level}: kept, but nobody is asked here before a use`]),
    ...(inLegacyStore
      ? ['also in the legacy store: CryptoAPI loads the private key into the process that uses it']
      : []),
    ...(mayBeLegacy
      ? ['of another application: where CryptoAPI has it, any process of its user can read it']
      : []),
  ];
}
