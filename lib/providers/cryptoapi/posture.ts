/** The posture of a CryptoAPI key, after "Why use CNG instead of CryptoAPI to store keys": the CSP loads it into the process that uses it. */
import { decodeSpki } from '../../cms/spki.ts';
import { protectionOf } from '../../contracts/protection-level.ts';
import type { KeyScope, Posture } from '../../contracts/provider.ts';
import type { StoredProperties } from '../rules/key-properties.ts';

export interface CryptoApiPostureFacts {
  readonly cspName: string;
  readonly isHardware: boolean;
  /** undefined: an ephemeral key. */
  readonly container: string | undefined;
  readonly scope: KeyScope;
  readonly publicKey: Uint8Array;
  /** Would the CSP itself export the private half? */
  readonly isExportable: boolean;
}

export function postureOf(facts: CryptoApiPostureFacts, properties: StoredProperties): Posture {
  const { container, isHardware, scope } = facts;
  const { exportPolicy } = properties;
  const users = container === undefined ? IN_MEMORY : HOLDERS[scope];
  const inMemory = isHardware ? 'token' : 'this process';
  const isOnDisk = container !== undefined && !isHardware;
  return {
    ...protectionOf(inMemory, isOnDisk ? 'same user' : 'nobody'),
    inMemory,
    onDisk: onDisk(facts),
    readableBy: isHardware ? [] : users,
    usableBy: users,
    exportable: exportPolicy.export || exportPolicy.plaintextExport,
    perBoot: false,
    survives: {
      // A user's container lies under DPAPI, whose master key a forced reset loses.
      passwordReset: isHardware || container === undefined || scope === 'machine',
      newMachine: isHardware,
      tpmClear: true,
      reboot: container !== undefined,
    },
    notes: notes(facts, properties),
  };
}

function onDisk({ container, isHardware, cspName }: CryptoApiPostureFacts): string {
  if (container === undefined) return 'nowhere';
  const place = `container ${JSON.stringify(container)} of the ${cspName}`;
  return isHardware ? `${place}, on its token` : place;
}

function notes(
  { container, isHardware, isExportable, publicKey }: CryptoApiPostureFacts,
  { exportPolicy, isolation, uiPolicy }: StoredProperties,
): string[] {
  const key = decodeSpki(publicKey);
  return [
    ...(isolation === 'prefer-vbs'
      ? ['prefer-vbs: CryptoAPI knows no VBS, so this is a key of the CSP']
      : []),
    ...(uiPolicy.level === 'none'
      ? []
      : [`uiPolicy ${uiPolicy.level}: Windows asks before a use; any process of the user can ask`]),
    ...(isExportable && !exportPolicy.plaintextExport
      ? ['its export policy was narrowed here; the CSP would still export it to another program']
      : []),
    ...(key.type === 'rsa' && key.modulusBits < MIN_SAFE_RSA
      ? [`RSA with ${key.modulusBits} bits: too short for anything new`]
      : []),
    ...(container === undefined || isHardware
      ? []
      : ['in the legacy store: CryptoAPI loads the private key into the process that uses it']),
  ];
}

const IN_MEMORY = ['this process', 'administrators of this machine'];
const HOLDERS: Record<KeyScope, readonly string[]> = {
  user: ['every process of this user', 'administrators of this machine'],
  machine: ['whom the access list of its key file names', 'administrators of this machine'],
};
/** NIST SP 800-131A. */
const MIN_SAFE_RSA = 2048;
