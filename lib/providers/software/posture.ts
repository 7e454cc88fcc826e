/** The posture of a software key, in words that a person can act on. */
import { protectionOf, type KeyReader } from '../../contracts/protection-level.ts';
import type { Posture } from '../../contracts/provider.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { Protector } from '../key-files/protector.ts';

export interface PostureFacts {
  /** undefined: an ephemeral key. */
  readonly protector: Protector | undefined;
  readonly properties: StoredProperties;
  readonly publicKey: Uint8Array;
  readonly perBoot: boolean;
  /** Does a CryptoAPI container hold it as well, or alone? */
  readonly inLegacyStore: boolean;
}

export function postureOf(facts: PostureFacts): Posture {
  const { protector, perBoot } = facts;
  const { exportPolicy } = facts.properties;
  const holders = protector?.posture.readableBy ?? [
    'this process',
    'administrators of this machine',
  ];
  return {
    ...protectionOf('this process', protector?.posture.couldRead ?? NOWHERE),
    inMemory: 'this process',
    onDisk: onDisk(protector, perBoot),
    readableBy: holders,
    usableBy: holders,
    exportable: exportPolicy.export || exportPolicy.plaintextExport,
    perBoot,
    survives: {
      passwordReset: protector?.posture.survivesPasswordReset ?? true,
      newMachine: !perBoot && (protector?.posture.survivesNewMachine ?? false),
      tpmClear: protector?.posture.survivesTpmClear ?? true,
      reboot: protector !== undefined && !perBoot,
    },
    notes: notes(facts),
  };
}

function onDisk(protector: Protector | undefined, perBoot: boolean): string {
  if (!protector) return 'nowhere';
  const boot = perBoot ? ' and the secret of this boot' : '';
  return `sealed file under ${protector.name}${boot}`;
}

function notes({ properties, publicKey, inLegacyStore }: PostureFacts): string[] {
  const { isolation, uiPolicy } = properties;
  const key = decodeSpki(publicKey);
  return [
    ...(isolation === 'prefer-vbs' ? ['prefer-vbs: no VBS here, so this is a software key'] : []),
    ...(uiPolicy.level === 'none'
      ? []
      : [`uiPolicy ${uiPolicy.level}: kept, but this provider asks nobody before a use`]),
    ...(key.type === 'rsa' && key.modulusBits < MIN_SAFE_RSA
      ? [`RSA with ${key.modulusBits} bits: too short for anything new`]
      : []),
    ...(inLegacyStore ? ['also in the legacy store'] : []),
  ];
}

const NOWHERE: KeyReader = 'nobody';
/** NIST SP 800-131A. */
const MIN_SAFE_RSA = 2048;
