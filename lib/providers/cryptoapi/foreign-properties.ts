/** The properties of a key that another application keeps in a container: what CryptoAPI tells of it. */
import { defaultProperties, type StoredProperties } from '../rules/key-properties.ts';
import type { KeyName } from '../rules/key-storage.ts';
import { findKeyFile } from './container-access.ts';
import type { Csp } from './csp.ts';
import type { FoundPair } from './cryptoapi-keys.ts';

/** Last modified when its key file was; in 1970 where nobody tells. */
export async function foreignProperties(
  csp: Csp,
  { legacyKeySpec }: KeyName,
  pair: FoundPair,
): Promise<StoredProperties> {
  const keyFile = await findKeyFile(csp, pair);
  const kind = { algorithm: 'RSA', legacyKeySpec } as const;
  const { isExportable } = pair;
  return {
    ...defaultProperties(kind, 'none', keyFile?.modified ?? new Date(0)),
    // To CryptoAPI, exportable is exportable in the clear.
    exportPolicy: {
      export: isExportable,
      plaintextExport: isExportable,
      archive: false,
      plaintextArchive: false,
    },
  };
}
