/** The openssl command reads every format that we write of a key, and we read every format that it writes of new ones. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import {
  checkKeyPair,
  decodeKeyPair,
  ecKeyPair,
  encodeKeyPair,
  type KeyPairFormat,
} from '../../lib/key-pairs/index.ts';
import { opensslKey } from '../support/key-pairs.ts';
import { describeOpenssl, openssl } from '../support/openssl.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** What openssl is told about a format: -inform, or -outform. */
const FORM: Partial<Record<KeyPairFormat, string>> = {
  PRIVATEKEYBLOB: 'MSBLOB',
  PUBLICKEYBLOB: 'MSBLOB',
  PVK: 'PVK',
};

/** Formats by the kind of key that can be in them. */
const FORMATS: Readonly<Record<string, readonly KeyPairFormat[]>> = {
  'rsa-1023': ['PRIVATEKEYBLOB', 'PUBLICKEYBLOB', 'PVK', 'PKCS8', 'SPKI', 'RSAPrivateKey'],
  'rsa-2048': ['PRIVATEKEYBLOB', 'PUBLICKEYBLOB', 'PVK', 'PKCS8', 'SPKI', 'RSAPrivateKey'],
  'ec-p521': ['PKCS8', 'SPKI', 'ECPrivateKey'],
  x25519: ['PKCS8', 'SPKI'],
  'dsa-1024': ['PRIVATEKEYBLOB', 'PUBLICKEYBLOB', 'PVK', 'PKCS8', 'SPKI', 'DSAPrivateKey'],
  'dsa-2048-256': ['PKCS8', 'SPKI', 'DSAPrivateKey'],
  'dh-2048': ['PKCS8', 'SPKI'],
  'dhx-2048': ['PKCS8', 'SPKI'],
};
const CASES = Object.entries(FORMATS).flatMap(([name, formats]) =>
  formats.flatMap((format) => [
    { name, format, pem: false },
    ...(FORM[format] ? [] : [{ name, format, pem: true }]),
  ]),
);

/** SPKI as openssl makes it of a file. */
async function spkiByOpenssl(file: string, form: string, isPublic: boolean): Promise<string> {
  const from = ['-in', file, '-inform', form, ...(isPublic ? ['-pubin'] : [])];
  await openssl(folder.path, 'pkey', ...from, '-pubout', '-outform', 'DER', '-out', 'spki');
  return toHex(await readFile(join(folder.path, 'spki')));
}

describeOpenssl('openssl pkey', () => {
  it.each(CASES)('reads $name as $format, PEM $pem', async ({ name, format, pem }) => {
    const { pair } = decodeKeyPair(opensslKey(name));
    await writeFile(join(folder.path, 'key'), encodeKeyPair(pair, format, { pem }));
    const isPublic = format === 'SPKI' || format === 'PUBLICKEYBLOB';
    const spki = await spkiByOpenssl('key', FORM[format] ?? (pem ? 'PEM' : 'DER'), isPublic);
    expect(spki).toBe(toHex(encodeKeyPair(pair, 'SPKI')));
  });

  it('finds nothing wrong with a key whose numbers we computed', async () => {
    const blob = encodeKeyPair(decodeKeyPair(opensslKey('rsa-2048')).pair, 'RSAPRIVATEBLOB');
    const { pair } = decodeKeyPair(blob);
    await writeFile(join(folder.path, 'rsa'), encodeKeyPair(pair, 'PKCS8'));
    expect(
      await openssl(folder.path, 'pkey', '-in', 'rsa', '-inform', 'DER', '-check', '-noout'),
    ).toContain('valid');
    const ec = ecKeyPair({ curve: 'P-384', privateKey: Uint8Array.of(1, 2, 3) });
    await writeFile(join(folder.path, 'ec'), encodeKeyPair(ec, 'ECPrivateKey'));
    expect(
      await openssl(folder.path, 'pkey', '-in', 'ec', '-inform', 'DER', '-check', '-noout'),
    ).toContain('valid');
  });
});

describeOpenssl('a new key of openssl', () => {
  const commands = [
    ['rsa', '-algorithm RSA -pkeyopt rsa_keygen_bits:1536', ['MSBLOB', 'PVK -pvk-none']],
    ['ec', '-algorithm EC -pkeyopt ec_paramgen_curve:P-384', []],
    ['ec', '-algorithm EC -pkeyopt ec_paramgen_curve:P-256', []],
  ] as const;

  it.each(commands)('%s %s is read in all its formats', async (command, options, forms) => {
    await openssl(folder.path, 'genpkey', ...options.split(' '), '-out', 'new.pem');
    const whole = decodeKeyPair(await readFile(join(folder.path, 'new.pem'))).pair;
    expect(checkKeyPair(whole)).toEqual([]);
    for (const form of [...forms, 'DER', 'PEM', 'PEM -pubout', 'DER -pubout']) {
      const how = ['-in', 'new.pem', '-outform', ...form.split(' '), '-out', 'new'];
      await openssl(folder.path, command, ...how);
      const { pair } = decodeKeyPair(await readFile(join(folder.path, 'new')));
      expect(toHex(encodeKeyPair(pair, 'SPKI')), form).toBe(toHex(encodeKeyPair(whole, 'SPKI')));
    }
  });

  it('of EC is read with the parameters that ecparam writes before it', async () => {
    await openssl(folder.path, 'ecparam', '-name', 'prime256v1', '-genkey', '-out', 'params.pem');
    const { pair, format } = decodeKeyPair(await readFile(join(folder.path, 'params.pem')));
    expect(format).toBe('ECPrivateKey');
    expect(checkKeyPair(pair)).toEqual([]);
  });
});
