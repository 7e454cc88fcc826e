/** The one export that the maker of a key may do. */
import { expect, it } from 'vitest';
import type { KeyStorage, StoredKey } from '../../../lib/providers/rules/key-storage.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { defaultProperties } from '../../../lib/providers/rules/key-properties.ts';
import { OpenHandles } from '../../../lib/providers/rules/open-handles.ts';
import { ProviderKey } from '../../../lib/providers/rules/provider-key.ts';
import { codeOfAsync } from '../../support/errors.ts';

/** The handle that made a key which may be archived and not exported. */
function madeKey(exportKey: StoredKey['exportKey']): ProviderKey {
  const kind = { algorithm: 'RSA', legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
  const exportPolicy = {
    export: false,
    plaintextExport: false,
    archive: true,
    plaintextArchive: true,
  };
  const properties = { ...defaultProperties(kind, 'none', new Date(0)), exportPolicy };
  const stored = { ...kind, properties, exportKey } as StoredKey;
  const storage = {} as KeyStorage;
  return new ProviderKey({ storage, handles: new OpenHandles(), stored, isOriginal: true });
}

it('is one, also of calls at the same time', async () => {
  const key = madeKey(async () => new SecretBytes(1));
  const archives = [key.exportKey('pkcs8'), key.exportKey('pkcs8')];
  const outcomes = await Promise.allSettled(archives);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
});

it('is still to come where it failed', async () => {
  let calls = 0;
  const key = madeKey(async () => {
    if (++calls === 1) throw new KeyStoreError('CANCELLED');
    return new SecretBytes(1);
  });
  expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('CANCELLED');
  expect((await key.exportKey('pkcs8')).length).toBe(1);
});
