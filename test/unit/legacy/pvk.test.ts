/** PVK files: those that OpenSSL and Microsoft's makecert made, both ways of protecting them, wrong passwords. */
import { describe, expect, test } from 'vitest';
import { encodePvk } from '../../../lib/blobs/pvk.ts';
import { concatBytes, encodeUtf8, toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { importLegacyPrivateKey } from '../../../lib/legacy/legacy-key.ts';
import { openPvk, sealPvk } from '../../../lib/legacy/pvk.ts';
import { hex } from '../../support/bytes.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

interface PvkVector {
  readonly name: string;
  readonly pvk?: string;
  readonly password?: string | null;
  readonly strength?: 'none' | 'weak' | 'strong';
  readonly private_blob?: string;
  readonly key_type?: number;
}
interface MonoVector {
  readonly name: string;
  readonly source: string;
  readonly hex: string;
}

describeShared('PVK files of OpenSSL and makecert', () => {
  const all = sharedJson('vectors/openssl-msblob-pvk.json') as {
    readonly vectors: readonly PvkVector[];
  };
  const vectors = all.vectors.filter(({ pvk }) => pvk !== undefined);

  test('open, and tell how they were protected', async () => {
    const tally = new Tally();
    for (const vector of vectors) {
      const password = vector.password ? encodeUtf8(vector.password) : undefined;
      using opened = await openPvk(hex(vector.pvk!), password);
      const isRight =
        toHex(opened.blob.bytes) === vector.private_blob &&
        opened.protection === vector.strength &&
        opened.keySpec === (vector.key_type ?? 2);
      tally.right(vector.strength!, isRight, vector.name);
    }
    expect(tally.counts).toEqual({ none: 5, weak: 3, strong: 4 });
  });

  test('that are encrypted refuse any other password, in one way, and want one', async () => {
    const tally = new Tally();
    for (const { pvk, password } of vectors.filter((it) => it.password)) {
      const wrong = [`${password}\0`, `${password} `, password!.toUpperCase(), ''];
      for (const other of wrong) {
        const attempt = openPvk(hex(pvk!), encodeUtf8(other));
        const error = await attempt.then(String, (reason: unknown) => reason);
        const isPlain =
          JSON.stringify(error) === JSON.stringify(new KeyStoreError('PASSWORD_WRONG'));
        tally.right('another password', isPlain, other);
      }
      tally.add(await codeOfAsync(openPvk(hex(pvk!))));
    }
    expect(tally.counts).toEqual({ 'another password': 28, PASSWORD_REQUIRED: 7 });
  });
});

describeShared('PVK files of Mono’s tests', () => {
  const { vectors } = sharedJson('vectors/mono-cspblob-pvk.json') as {
    readonly vectors: readonly MonoVector[];
  };
  const named = (name: string) =>
    hex(vectors.find((it) => it.name === name && it.source.includes('PrivateKeyTest'))!.hex);

  test('open with their password, and hold keys', async () => {
    using plain = await openPvk(named('nopwd'));
    using weak = await openPvk(named('pwd'), encodeUtf8('password'));
    expect([plain.protection, weak.protection]).toEqual(['none', 'weak']);
    const keys = [plain, weak].map(({ blob }) => importLegacyPrivateKey(blob.bytes));
    expect(keys.map((key) => key.asymmetricKeyDetails?.modulusLength)).toEqual([512, 512]);
  });
});

describe('a PVK file', () => {
  // RSA of 512 bits, of which only the layout matters here.
  const blob = concatBytes(hex('0702 0000 0024 0000 5253 4132 0002 0000 0100 0100'), count(288));
  const password = encodeUtf8('p\u00e4ss');

  test('opens as it was sealed, with either key length', async () => {
    for (const protection of ['weak', 'strong'] as const) {
      const pvk = await sealPvk(blob, { keySpec: 1, password, protection });
      using opened = await openPvk(pvk, password);
      expect([toHex(opened.blob.bytes), opened.protection, opened.keySpec]).toEqual([
        toHex(blob),
        protection,
        1,
      ]);
    }
  });

  test('that is not encrypted needs no password and does not look at one', async () => {
    const none = { keySpec: 2, encryptedFlag: 0, salt: hex(''), keyBlob: blob } as const;
    using opened = await openPvk(encodePvk(none), password);
    expect([toHex(opened.blob.bytes), opened.protection]).toEqual([toHex(blob), 'none']);
  });

  test('is decrypted wherever it has a salt, whatever its flag says', async () => {
    const pvk = await sealPvk(blob, { keySpec: 2, password, protection: 'strong' });
    using opened = await openPvk(pvk.with(12, 0), password);
    expect(opened.protection).toBe('strong');
  });

  test('that is cut or no PVK file fails as bytes do', async () => {
    const pvk = await sealPvk(blob, { keySpec: 2, password, protection: 'strong' });
    for (const bytes of [hex(''), pvk.subarray(0, 100), pvk.with(0, 0), blob])
      expect(await codeOfAsync(openPvk(bytes, password))).toBe('BLOB_MALFORMED');
  });

  test('shows nothing of its key when it is printed', async () => {
    const pvk = await sealPvk(blob, { keySpec: 2, password, protection: 'strong' });
    using opened = await openPvk(pvk, password);
    expect(JSON.stringify(opened)).toBe(
      JSON.stringify({ blob: '[SecretBytes]', protection: 'strong', keySpec: 2 }),
    );
  });
});

function count(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i + 1);
}
