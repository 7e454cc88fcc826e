/** Blobs that an inventory keeps for the run: the wrapped ones, as they were, and no more than fit. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../lib/blobs/plaintext-key-blob.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { wrapSimpleBlob } from '../../../lib/legacy/simple-blob.ts';
import { inventory, keptBlob } from '../../../lib/migration/inventory.ts';
import { KeptBlobs } from '../../../lib/migration/kept-blobs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('what an inventory keeps', () => {
  it('is a SIMPLEBLOB as it was; neither a key in the clear nor one under an exponent of one', async () => {
    const folder = await temporaryFolder();
    try {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      using key = SecretBytes.copy(randomBytes(32));
      const wrapped = wrapSimpleBlob(publicKey, { algId: ALG_ID.CALG_AES_256, key });
      const inClear = wrapped.slice();
      // 00 02, padding, 00, key, the way CryptoAPI writes it: from its end.
      inClear.fill(0xff, 12);
      inClear.set(key.bytes, 12);
      inClear.set([0], 12 + 32);
      inClear.set([2, 0], inClear.length - 2);
      const plaintext = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_AES_256, key: key.bytes });
      const files = { wrapped, inClear, plaintext };
      for (const [name, bytes] of Object.entries(files))
        writeFileSync(join(folder.path, `${name}.key`), bytes);
      const found = await inventory([folder.path]);
      const kept = (name: keyof typeof files) => keptBlob(found, join(folder.path, `${name}.key`));
      expect(found.items.map(({ role }) => role)).toEqual(Array(3).fill('session-key'));
      expect(kept('wrapped')).toEqual(new Uint8Array(wrapped));
      expect(kept('inClear')).toBeUndefined();
      expect(kept('plaintext')).toBeUndefined();
    } finally {
      await folder.remove();
    }
  });

  it('is what it was given, by path, up to 16 MiB; what is long is not kept', () => {
    const blobs = new KeptBlobs();
    const bytesOf = (n: number): Uint8Array => new Uint8Array(500 + (n % 300)).fill(n % 251);
    for (let n = 0; n < 40_000; n++) blobs.keep(String(n), bytesOf(n));
    blobs.keep('long', new Uint8Array(1024));
    for (const n of [0, 299, 1000, 20_000]) expect(blobs.get(String(n))).toEqual(bytesOf(n));
    let length = 0;
    for (let n = 0; n < 40_000; n++) length += blobs.get(String(n))?.length ?? 0;
    expect(length).toBeGreaterThan(16_000_000);
    expect(length).toBeLessThanOrEqual(1 << 24);
    expect(blobs.get('long')).toBeUndefined();
    expect(blobs.get('39999')).toBeUndefined();
  });
});
