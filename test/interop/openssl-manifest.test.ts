/** An entry of the manifest is a CMS message as soon as the signer's certificate is put to it: a stranger's OpenSSL verifies it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  manifestEntryMessage,
  signManifestEntry,
  type ManifestEntry,
} from '../../lib/stores/manifest/manifest-entry.ts';
import { clock, randomId, STORE_ID, written } from '../support/manifest.ts';
import { describeOpenssl, openssl, pemOf } from '../support/openssl.ts';
import { testIdentity } from '../support/signing-identity.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** The content that openssl finds signed. */
async function verified(message: Uint8Array, certificate: Uint8Array): Promise<Uint8Array> {
  await writeFile(join(folder.path, 'entry.cms'), message);
  await writeFile(join(folder.path, 'signer.pem'), pemOf('CERTIFICATE', certificate));
  const verify = 'cms -verify -binary -inform DER -in entry.cms -nointern -certfile signer.pem';
  await openssl(folder.path, ...verify.split(' '), '-noverify', '-out', 'content');
  return new Uint8Array(await readFile(join(folder.path, 'content')));
}

describeOpenssl('openssl cms', () => {
  it.each(['p-256', 'p-384', 'rsa-2048'] as const)(
    'verifies a manifest entry signed with %s, and not a changed one',
    async (kind) => {
      const me = await testIdentity(kind);
      const fields = { storeId: STORE_ID, prev: new Uint8Array(32), signerKeyId: me.keyId };
      const sign = (index: number): Promise<ManifestEntry> =>
        signManifestEntry(me, { ...fields, index, change: written(randomId(), 1) }, clock());
      const entry = await sign(1);
      expect(await verified(manifestEntryMessage(entry, me), me.certificate)).toEqual(
        entry.content,
      );
      const { content } = await sign(2);
      const forged = manifestEntryMessage({ ...entry, content }, me);
      await expect(verified(forged, me.certificate)).rejects.toThrow('Verification failure');
    },
  );
});
