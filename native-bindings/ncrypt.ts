/** ncrypt.dll: CNG's key storage. */
import { declareNCryptAgreement } from './ncrypt-agreement.ts';
import { declareNCryptKeys } from './ncrypt-key.ts';
import { declareNCryptProperties } from './ncrypt-property.ts';
import { declareNCryptProviders } from './ncrypt-provider.ts';
import { declareNCryptUses } from './ncrypt-use.ts';
import { remember } from './remember.ts';
import { openDll, type WindowsDll } from './windows-dll.ts';

export type NCrypt = ReturnType<typeof declareNCrypt>;

/**
 * The bindings of ncrypt.dll, loaded once.
 *
 * Wine has stubs among these functions, and some of them end the process: call only what the system at hand is known to have.
 *
 * @throws KeyStoreError PROVIDER_UNAVAILABLE, MODULE_MISSING: see `openDll`.
 */
export const loadNCrypt: () => Promise<NCrypt> = remember(async () =>
  declareNCrypt(await openDll('ncrypt.dll')),
);

function declareNCrypt(dll: WindowsDll) {
  return {
    ...declareNCryptProviders(dll),
    ...declareNCryptKeys(dll),
    ...declareNCryptProperties(dll),
    ...declareNCryptUses(dll),
    ...declareNCryptAgreement(dll),
  };
}
