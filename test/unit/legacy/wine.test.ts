/** Wine's own storage opened without Wine, from what a run of Wine 8 left. */
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../lib/bytes/octets.ts';
import { openWineContainer } from '../../../lib/legacy/wine/wine-container.ts';
import { openWineProtectedBlob } from '../../../lib/legacy/wine/wine-protected-blob.ts';
import { decodeWineProtectBlob } from '../../../lib/windows-files/wine-protect-blob.ts';
import { readWineRegistry } from '../../../lib/windows-files/wine-registry.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { registryText } from '../../support/wine-registry-text.ts';

type Vector = Readonly<Record<string, string>> & { readonly kind: string };

test('what is no blob of Wine is refused before any key is derived', async () => {
  await expect(openWineProtectedBlob(new Uint8Array(), '\u0416')).rejects.toMatchObject({
    code: 'BLOB_MALFORMED',
    format: 'WineProtectBlob',
  });
});

describeShared('what Wine keeps', () => {
  const { vectors } = sharedJson('vectors/wine-container-protectdata.json') as {
    vectors: Vector[];
  };
  const containers = vectors.filter(({ kind }) => kind === 'wine_container');
  const blobs = vectors.filter(({ kind }) => kind === 'wine_protectdata');
  const userName = 'root';

  test('is three containers and four blobs, all of the same user', () => {
    expect([containers.length, blobs.length, vectors.length]).toEqual([3, 4, 7]);
    for (const vector of vectors)
      expect(toHex(new TextEncoder().encode(`${userName}\0`))).toBe(vector['username_with_nul']);
  });

  describe.each(blobs)('blob $#', (vector) => {
    const blob = fromHex(vector['blob']!)!;
    const entropy = fromHex(vector['entropy'] ?? '')!;

    test('opens with the name of the user and the entropy', async () => {
      expect(decodeWineProtectBlob(blob).description).toBe(vector['description']);
      using secret = await openWineProtectedBlob(blob, userName, entropy);
      expect(toHex(secret.bytes)).toBe(vector['plaintext']);
      using again = await openWineProtectedBlob(blob, new TextEncoder().encode('root'), entropy);
      expect(toHex(again.bytes)).toBe(vector['plaintext']);
    });

    test('tells nothing of what did not fit', async () => {
      const changed = blob.with(blob.length - 30, blob.at(-30)! ^ 1);
      const attempts = [
        openWineProtectedBlob(blob, 'Root', entropy),
        openWineProtectedBlob(blob, userName, Uint8Array.of(...entropy, 1)),
        openWineProtectedBlob(changed, userName, entropy),
      ];
      const errors = await Promise.all(attempts.map((each) => each.catch((e: unknown) => e)));
      expect(new Set(errors.map((error) => JSON.stringify(error)))).toHaveLength(1);
      expect(errors[0]).toMatchObject({ code: 'KEY_UNWRAP_FAILED' });
    });

    test('wants bytes for a name beyond Latin-1', async () => {
      await expect(openWineProtectedBlob(blob, '\u0416', entropy)).rejects.toMatchObject({
        code: 'PARAMETER_INVALID',
      });
    });
  });

  test.each(containers)('container $container opens with its slots', async (vector) => {
    const dword = (hex: string | undefined) =>
      hex === undefined ? undefined : new DataView(fromHex(hex)!.buffer).getUint32(0, true);
    const values = Object.fromEntries(
      [
        [
          'KeyExchangeKeyPair',
          vector['KeyExchangeKeyPair'] && fromHex(vector['KeyExchangeKeyPair']),
        ],
        ['SignatureKeyPair', vector['SignatureKeyPair'] && fromHex(vector['SignatureKeyPair'])],
        ['KeyExchangePermissions', dword(vector['KeyExchangePermissions'])],
        ['SignaturePermissions', dword(vector['SignaturePermissions'])],
      ].filter(([, value]) => value !== undefined),
    ) as Record<string, Uint8Array | number>;
    const key = `Software\\Wine\\Crypto\\RSA\\${vector['container']!}`;
    const [entry] = readWineRegistry(registryText([{ key, values }]));
    const container = await openWineContainer(entry!, userName);
    const { exchange, signature } = container;
    expect(container).toMatchObject({ format: 'wine', kind: 'RSA', name: vector['container'] });
    expect(exchange && toHex(exchange.privateKeyBlob.bytes)).toBe(
      vector['expect_keyexchange_privatekeyblob'],
    );
    expect(signature && toHex(signature.privateKeyBlob.bytes)).toBe(
      vector['expect_signature_privatekeyblob'],
    );
    expect(exchange?.exportable).toBe(vector['KeyExchangePermissions'] === '3f000000');
    expect(signature?.exportable).toBe(signature && false);
    expect(JSON.stringify(container)).not.toContain(toHex(exchange!.privateKeyBlob.bytes));
    container[Symbol.dispose]();
    expect(exchange!.privateKeyBlob.disposed).toBe(true);
    await expect(openWineContainer(entry!, 'other')).rejects.toMatchObject({
      code: 'KEY_UNWRAP_FAILED',
    });
  });
});
