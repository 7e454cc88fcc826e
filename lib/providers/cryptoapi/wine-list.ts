/** Listing the machine's containers in Wine, which does not look at the context, as Windows does, but at a flag that Windows refuses. */
import type { Advapi32 } from '../../../native-bindings/advapi32.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import {
  CRYPT_FIRST,
  CRYPT_MACHINE_KEYSET,
  CRYPT_NEXT,
  PP_ENUMCONTAINERS,
} from '../../../native-bindings/wincrypt.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';

export function machineContainersOfWine(api: Advapi32, context: Handle): string[] {
  const names: string[] = [];
  for (let which = CRYPT_FIRST; ; which = CRYPT_NEXT) {
    try {
      const flags = which | CRYPT_MACHINE_KEYSET;
      const entry = api.cryptGetProvParam(context, PP_ENUMCONTAINERS, flags);
      names.push(Buffer.from(entry).toString('latin1').replace(/\0.*$/s, ''));
    } catch (error) {
      if (hasStatus(error, WINDOWS_STATUS.ERROR_NO_MORE_ITEMS)) return names;
      throw error;
    }
  }
}
