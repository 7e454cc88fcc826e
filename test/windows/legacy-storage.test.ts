/** What CryptProtectData and key containers leave during this run: in Wine it opens without Wine. */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import process from 'node:process';
import { afterAll, describe, expect, test } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { openWineContainer } from '../../lib/legacy/wine/wine-container.ts';
import { openWineProtectedBlob } from '../../lib/legacy/wine/wine-protected-blob.ts';
import { decodeDpapiBlob, encodeDpapiBlob } from '../../lib/windows-files/dpapi-blob.ts';
import {
  decodeWineProtectBlob,
  encodeWineProtectBlob,
  isWineProtectBlob,
} from '../../lib/windows-files/wine-protect-blob.ts';
import { readWineRegistry } from '../../lib/windows-files/wine-registry.ts';
import { loadCrypt32 } from '../../native-bindings/crypt32.ts';
import {
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
  CRYPT_DELETEKEYSET,
  CRYPT_EXPORTABLE,
  CRYPT_MACHINE_KEYSET,
  CRYPT_NEWKEYSET,
  PRIVATEKEYBLOB,
} from '../../native-bindings/wincrypt.ts';
import { isWine } from '../support/capi-calls.ts';
import { acquire, api } from '../support/cryptoapi.ts';
import { registryValues } from '../support/registry-values.ts';
import { registryText } from '../support/wine-registry-text.ts';

const crypt32 = await loadCrypt32();
const userName = userInfo().username;
const text = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff);

describe('CryptProtectData', () => {
  test.each([
    ['without a description', {}],
    ['with a description', { description: 'Stra\u00dfe \u20ac' }],
    ['with entropy', { entropy: text(9) }],
    ['with both, for the machine', { description: 'd', entropy: text(9), machine: true }],
  ])('%s', async (_name, options: { description?: string; entropy?: Uint8Array }) => {
    const blob = crypt32.protectData(text(40), options);
    expect(isWineProtectBlob(blob)).toBe(isWine);
    const decoded = isWine ? decodeWineProtectBlob(blob) : decodeDpapiBlob(blob);
    expect(decoded.description).toBe(options.description ?? '');
    const again =
      'fingerprint' in decoded ? encodeWineProtectBlob(decoded) : encodeDpapiBlob(decoded);
    expect(toHex(again)).toBe(toHex(blob));
    // Windows' own opens with a master key, which no test here has.
    using secret = isWine
      ? await openWineProtectedBlob(blob, userName, options.entropy)
      : SecretBytes.take(crypt32.unprotectData(blob, options).data);
    expect(toHex(secret.bytes)).toBe(toHex(text(40)));
  });

  test('does not open with the name of another user', async () => {
    const blob = crypt32.protectData(text(1));
    await expect(openWineProtectedBlob(blob, `${userName}x`)).rejects.toMatchObject({
      code: isWine ? 'KEY_UNWRAP_FAILED' : 'BLOB_MALFORMED',
    });
  });
});

describe.runIf(isWine)('containers of Wine', () => {
  const container = 'keycask-legacy \u00fc ]["\\'.slice(0, -1);
  const made: { name: string; scope: number }[] = [];
  afterAll(() => {
    for (const { name, scope } of made) acquire(name, CRYPT_DELETEKEYSET | scope);
  });

  test.each([
    ['the user', 0, 'HKCU'],
    ['the machine', CRYPT_MACHINE_KEYSET, 'HKLM'],
  ] as const)('of %s open from the registry', async (_whose, scope, root) => {
    const context = acquire(container, CRYPT_NEWKEYSET | scope);
    made.push({ name: container, scope });
    const exchange = await api.cryptGenKey(
      context,
      AT_KEYEXCHANGE,
      (1024 << 16) | CRYPT_EXPORTABLE,
    );
    const signature = await api.cryptGenKey(context, AT_SIGNATURE, 1024 << 16);
    const exported = api.cryptExportKey(exchange, 0n, PRIVATEKEYBLOB, 0);
    api.cryptDestroyKey(exchange);
    api.cryptDestroyKey(signature);
    api.cryptReleaseContext(context);

    const key = `Software\\Wine\\Crypto\\RSA\\${container}`;
    const [entry] = readWineRegistry(registryText([{ key, values: registryValues(root, key) }]));
    using opened = await openWineContainer(entry!, userName);
    expect(opened).toMatchObject({ name: container, kind: 'RSA' });
    expect(toHex(opened.exchange!.privateKeyBlob.bytes)).toBe(toHex(exported));
    expect(opened.exchange!.exportable).toBe(true);
    expect(opened.signature!.exportable).toBe(false);
    // Not exportable, and there all the same.
    expect(opened.signature!.privateKeyBlob.length).toBe(exported.length);
  });

  test('the registry that Wine has on disk is read whole', async () => {
    const prefix = process.env['WINEPREFIX'];
    expect(prefix).toMatch(/^\/./u);
    for (const name of ['user.reg', 'system.reg']) {
      const file = await readFile(`Z:${prefix!}/${name}`);
      expect(file.length).toBeGreaterThan(10_000);
      const entries = readWineRegistry(file);
      expect(entries).toHaveLength(file.toString('latin1').match(CONTAINER_LINE)?.length ?? 0);
      for (const entry of entries) {
        using opened = await openWineContainer(entry, userName);
        expect(opened.name).toBe(entry.name);
      }
    }
  });
});

/** Keys of containers, by their lines alone, whatever is in them; a key below a container is none. */
const CONTAINER_LINE =
  /^\[Software\\\\Wine\\\\Crypto\\\\(?:RSA|DSS)\\\\(?:[^\\\n]|\\[^\\\n])+\] \d/gimu;
