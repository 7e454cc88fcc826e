/** Finding a token by its label among the slots of a module. */
import type { Pkcs11, SlotId, TokenInfo } from '../../../native-bindings/pkcs11.ts';
import { CKF } from '../../../native-bindings/pkcs11-constants.ts';
import { KeyStoreError } from '../../errors.ts';

/** What names a token. */
export interface TokenName {
  readonly label: string;
  /** Where several tokens have one label. */
  readonly serial?: string | undefined;
}

export interface FoundToken {
  readonly slot: SlotId;
  readonly info: TokenInfo;
}

/**
 * The token of that name, in whichever slot it is now.
 *
 * @throws KeyStoreError PROVIDER_UNAVAILABLE where there is none; PARAMETER_INVALID where there are several.
 */
export async function findToken(api: Pkcs11, { label, serial }: TokenName): Promise<FoundToken> {
  const tokens = await listTokens(api);
  const named = tokens.filter(({ info }) => info.label === label);
  const [found, ...others] = named.filter(
    ({ info }) => serial === undefined || info.serial === serial,
  );
  if (!found) throw noToken(label, serial, tokens);
  if (others.length > 0)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `several tokens are called ${JSON.stringify(label)}: ${serials(named)}`,
      { hint: 'Give one of them another label, or name its serial number.' },
    );
  return found;
}

/** Every token that was initialised. A slot that cannot be asked does not hide the others. */
async function listTokens(api: Pkcs11): Promise<FoundToken[]> {
  const tokens: FoundToken[] = [];
  for (const slot of await api.slots()) {
    try {
      const info = await api.tokenInfo(slot);
      if ((info.flags & CKF.TOKEN_INITIALIZED) !== 0) tokens.push({ slot, info });
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }
  return tokens;
}

// oxlint-disable-next-line max-params -- what was looked for, and what there is
function noToken(
  label: string,
  serial: string | undefined,
  tokens: readonly FoundToken[],
): KeyStoreError {
  const number = serial === undefined ? '' : ` with the serial number ${serial}`;
  const labels = tokens.map(({ info }) => JSON.stringify(info.label));
  return new KeyStoreError(
    'PROVIDER_UNAVAILABLE',
    `there is no token ${JSON.stringify(label)}${number} here`,
    {
      hint:
        labels.length > 0
          ? `There are: ${labels.join(', ')}.`
          : 'The module has no token that was initialised: is it plugged in, and is the module told where it is?',
    },
  );
}

function serials(tokens: readonly FoundToken[]): string {
  return tokens.map(({ info }) => info.serial).join(', ');
}
