/** The posture of a key on a token: a device keeps it to itself; a token of software has it in the process that loads its module. */
import { protectionOf } from '../../contracts/protection-level.ts';
import type { Posture } from '../../contracts/provider.ts';
import type { TokenInfo } from '../../../native-bindings/pkcs11.ts';
import type { StoredProperties } from '../rules/key-properties.ts';

export interface Pkcs11PostureFacts {
  readonly isEphemeral: boolean;
  readonly isHardware: boolean;
  readonly token: TokenInfo;
}

export function postureOf(
  { isEphemeral, isHardware, token }: Pkcs11PostureFacts,
  { isolation, uiPolicy }: StoredProperties,
): Posture {
  const inMemory = isHardware ? 'token' : 'this process';
  const onDisk = isHardware || isEphemeral ? 'nobody' : 'same user';
  return {
    ...protectionOf(inMemory, onDisk),
    inMemory,
    onDisk: isEphemeral ? 'nowhere' : describeToken(token),
    readableBy: isHardware
      ? []
      : [
          'this process',
          'whoever has the files of the token and its PIN',
          'administrators of this machine',
        ],
    usableBy: isEphemeral ? ['this process'] : ['whoever reaches the token and has its PIN'],
    exportable: false,
    perBoot: false,
    survives: {
      passwordReset: true,
      // The token can be taken there; a TPM cannot, and is told from other tokens by nothing.
      newMachine: false,
      tpmClear: !isHardware,
      reboot: !isEphemeral,
    },
    notes: [
      ...(isolation === 'prefer-vbs' ? [isHardware ? IN_TOKEN : IN_SOFTWARE] : []),
      ...(uiPolicy.level === 'none'
        ? []
        : [`uiPolicy ${uiPolicy.level}: kept, but the token asks nobody before a use`]),
    ],
  };
}

/** `token "archive" (SoftHSM project, SoftHSM v2)`. */
function describeToken({ label, manufacturer, model }: TokenInfo): string {
  const maker = [manufacturer, model].filter((text) => text !== '').join(', ');
  return `token ${JSON.stringify(label)}${maker === '' ? '' : ` (${maker})`}`;
}

const IN_TOKEN = 'prefer-vbs: no VBS here, so the token keeps this key';
const IN_SOFTWARE = 'prefer-vbs: no VBS here, and the token is one of software';
