/** The secret of a boot, wherever this system keeps it best. */
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { BootSecret } from './boot-secret.ts';
import { keyringBootSecret } from './keyring-boot-secret.ts';
import { tmpfsBootSecret } from './tmpfs-boot-secret.ts';

/**
 * The secret of this boot where the system keeps it best: in the kernel's keyring of the user (Linux), else on a memory file system.
 *
 * Keys that were made under either open as long as it is there.
 *
 * @param places - Best first. Replaced in tests only.
 */
export function systemBootSecret(
  places: readonly BootSecret[] = [keyringBootSecret(), tmpfsBootSecret()],
): BootSecret {
  return {
    async present() {
      const secrets: SecretBytes[] = [];
      for (const place of places)
        secrets.push(...(await place.present().catch(noneWhereNotSupported)));
      return secrets;
    },
    async create() {
      let failure: unknown;
      for (const place of places)
        try {
          return await place.create();
        } catch (error) {
          // Whatever this place lacks, rights or room or koffi, the next one may have. The last one's failure is told.
          if (!KeyStoreError.is(error)) throw error;
          failure = error;
        }
      throw failure;
    },
  };
}

function noneWhereNotSupported(error: unknown): readonly SecretBytes[] {
  if (KeyStoreError.is(error) && NOT_HERE.has(error.code)) return [];
  throw error;
}

const NOT_HERE: ReadonlySet<string> = new Set([
  'NOT_SUPPORTED',
  'MODULE_MISSING',
  'PERMISSION_DENIED',
]);
