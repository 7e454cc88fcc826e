/** Wine's own storage: the blobs of its CryptProtectData, and the key containers of its registry. */
import { expect, test } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import {
  decodeWineProtectBlob,
  encodeWineProtectBlob,
  isWineProtectBlob,
} from '../../../lib/windows-files/wine-protect-blob.ts';
import { readWineRegistry } from '../../../lib/windows-files/wine-registry.ts';
import { registryText } from '../../support/wine-registry-text.ts';

const BLOB = encodeWineProtectBlob({
  description: 'a description',
  salt: new Uint8Array(16).fill(1),
  ciphertext: new Uint8Array(24).fill(2),
  fingerprint: new Uint8Array(20).fill(3),
});

const text = (content: string) => new TextEncoder().encode(content);

test('a blob of Wine has its description, salt, ciphertext and fingerprint', () => {
  const blob = decodeWineProtectBlob(BLOB);
  expect(blob.description).toBe('a description');
  expect([...new Set(blob.salt)]).toEqual([1]);
  expect([blob.ciphertext.length, blob.fingerprint.length]).toEqual([24, 20]);
  expect(toHex(encodeWineProtectBlob(blob))).toBe(toHex(BLOB));
});

test('a DPAPI blob of Windows is told from one of Wine', () => {
  expect(isWineProtectBlob(BLOB)).toBe(true);
  const dpapi = BLOB.with(4, 0xd0);
  expect(isWineProtectBlob(dpapi)).toBe(false);
  expect(() => decodeWineProtectBlob(dpapi)).toThrow(
    expect.objectContaining({ code: 'BLOB_MALFORMED', field: 'info0', offset: 4 }) as Error,
  );
});

test('a blob of Wine with another cipher is of an unsupported algorithm', () => {
  const cipherAt = 48 + 2 * 'a description '.length;
  expect(() => decodeWineProtectBlob(BLOB.with(cipherAt, 0x10))).toThrow(
    expect.objectContaining({ code: 'BLOB_ALGORITHM_UNSUPPORTED', field: 'cipher_alg' }) as Error,
  );
});

test('every cut and every longer blob is refused with a place', () => {
  for (let length = 0; length < BLOB.length; length++)
    expect(() => decodeWineProtectBlob(BLOB.subarray(0, length))).toThrow(BlobFormatError);
  expect(() => decodeWineProtectBlob(Uint8Array.of(...BLOB, 0))).toThrow(BlobFormatError);
});

test('containers are found among everything else that a registry holds', () => {
  const registry = registryText([
    { key: String.raw`Control Panel\Colors`, values: { KeyExchangeKeyPair: '"not hex"' } },
    {
      key: String.raw`Software\Wine\Crypto\RSA\reports`,
      values: {
        KeyExchangeKeyPair: BLOB,
        KeyExchangePermissions: 0x3f,
        Other: '"\\"',
        constructor: 1,
      },
    },
    { key: String.raw`Software\Wine\Crypto\RSA\reports\below`, values: { SignatureKeyPair: BLOB } },
    {
      key: String.raw`software\wine\crypto\dss\Übung ]" 1`,
      values: { SIGNATUREKEYPAIR: BLOB, signaturepermissions: 0x3b },
    },
    { key: String.raw`Software\Wine\Crypto\RSA`, values: { KeyExchangeKeyPair: 1 } },
  ]);
  expect(readWineRegistry(registry)).toEqual([
    { kind: 'RSA', name: 'reports', keyExchangeKeyPair: BLOB, keyExchangePermissions: 0x3f },
    {
      kind: 'DSS',
      name: 'Übung ]" 1',
      signatureKeyPair: BLOB,
      signaturePermissions: 0x3b,
    },
  ]);
});

test('names have the escapes that Wine writes', () => {
  const key = String.raw`[Software\\Wine\\Crypto\\RSA\\a\]b\x20acc\t\1x\0012\xe9]`;
  const [container] = readWineRegistry(text(`WINE REGISTRY Version 2\n${key} 1\n`));
  expect(container?.name).toBe('a]b\u20acc\t\u0001x\u00012é');
});

test.each([
  ['another file', 'REGEDIT4\n', 'signature'],
  ['no file at all', '', 'signature'],
  ['a value of another type', '"KeyExchangeKeyPair"="text"', 'keyExchangeKeyPair'],
  ['half a byte', '"KeyExchangeKeyPair"=hex:01,2', 'keyExchangeKeyPair'],
  ['a value that goes on and does not', '"SignatureKeyPair"=hex:01,\\', 'signatureKeyPair'],
  ['a number that is none', '"SignaturePermissions"=dword:xyz', 'signaturePermissions'],
])('refuses %s', (_name, line, field) => {
  const key = String.raw`[Software\\Wine\\Crypto\\RSA\\reports] 1`;
  const file = field === 'signature' ? line : `WINE REGISTRY Version 2\n${key}\n${line}\n`;
  expect(() => readWineRegistry(text(file))).toThrow(
    expect.objectContaining({ code: 'BLOB_MALFORMED', format: 'WineRegistry', field }) as Error,
  );
});

test('a value is not longer than any key pair is', () => {
  const key = String.raw`[Software\\Wine\\Crypto\\RSA\\reports] 1`;
  const line = `  ${'00,'.repeat(20)}\\\n`;
  const file = `WINE REGISTRY Version 2\n${key}\n"KeyExchangeKeyPair"=hex:\\\n${line.repeat(2000)}`;
  expect(() => readWineRegistry(text(file))).toThrow(
    expect.objectContaining({ code: 'BLOB_TOO_LARGE', field: 'keyExchangeKeyPair' }) as Error,
  );
});
