/** Whether this process may use the kernel's keyrings: containers often may not. */
import process from 'node:process';
import { KEY_SPEC_USER_KEYRING } from '../../native-bindings/linux-constants.ts';
import { loadLinuxKeyring } from '../../native-bindings/linux-keyring.ts';

/** Under CI=true there has to be one. */
export const hasKeyring =
  process.platform === 'linux' && (process.env['CI'] === 'true' || (await canSearch()));

async function canSearch(): Promise<boolean> {
  try {
    (await loadLinuxKeyring()).findUserKey('keycask-test', KEY_SPEC_USER_KEYRING);
    return true;
  } catch {
    return false;
  }
}
