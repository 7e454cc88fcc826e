import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { decodeKeyBlob, encodeKeyBlob } from '../../../lib/blobs/key-blob.ts';
import { encodePlaintextKeyBlob } from '../../../lib/blobs/plaintext-key-blob.ts';
import { encodePublicKeyBlob } from '../../../lib/blobs/public-key-blob.ts';
import { encodePvk } from '../../../lib/blobs/pvk.ts';
import { encodeSimpleBlob } from '../../../lib/blobs/simple-blob.ts';
import { concatBytes, encodeUtf8, toHex } from '../../../lib/bytes/octets.ts';
import { encodeFileHeader } from '../../../lib/file-encryption/file-header.ts';
import { inspect } from '../../../lib/migration/inspect.ts';
import { encodeDpapiBlob } from '../../../lib/windows-files/dpapi-blob.ts';
import { encodeMasterKeyFile } from '../../../lib/windows-files/master-key-file.ts';
import { encodePreferred } from '../../../lib/windows-files/preferred.ts';
import { readAnnotated } from '../../support/annotated-der.ts';
import { chain, fieldLines, noteIds, partNamed } from '../../support/inspection.ts';
import { testKeyPair } from '../../support/signing-identity.ts';

const GUID = '9fb6442f-626a-4980-9c85-d238be955b3c';
const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);

describe('inspect tells', () => {
  test('a SIMPLEBLOB field by field, and what is not in it', () => {
    const blob = encodeSimpleBlob({
      algId: ALG_ID.CALG_RC4,
      encryptedKey: bytes(256, 3),
    });
    const inspection = inspect(blob);
    expect(inspection).toMatchObject({
      format: 'simpleblob',
      what: 'SIMPLEBLOB',
      state: 'read',
      offset: 0,
      length: 268,
      summary: 'A session key, CALG_RC4, wrapped for an RSA key of 2048 bits.',
      parts: [],
    });
    expect(fieldLines(inspection)).toEqual([
      '0+1 bType = 1',
      '1+1 bVersion = 2',
      '2+2 reserved = 0',
      '4+4 aiKeyAlg = 26625 (CALG_RC4 (0x6801))',
      '8+4 algid = 41984 (CALG_RSA_KEYX (0xa400))',
      '12+256 encryptedkey',
    ]);
    expect(noteIds(inspection)).toEqual(['PADDING_NOT_IN_BLOB', 'SALT_NOT_IN_BLOB', 'WEAK_CIPHER']);
  });

  test("a file of Microsoft's example program: length, SIMPLEBLOB, ciphertext", () => {
    const blob = encodeSimpleBlob({ algId: ALG_ID.CALG_RC4, encryptedKey: bytes(128, 3) });
    const length = Uint8Array.of(blob.length, 0, 0, 0);
    const inspection = inspect(concatBytes(length, blob, bytes(20)));
    expect(inspection).toMatchObject({
      format: 'length-prefixed-simpleblob',
      state: 'read',
      summary:
        'A session key, CALG_RC4, wrapped for an RSA key of 1024 bits, and 20 bytes that it encrypts.',
    });
    expect(fieldLines(inspection).slice(0, 1)).toEqual(['0+4 dwKeyBlobLen = 140']);
    expect(inspection.fields.at(-1)).toMatchObject({
      field: 'ciphertext',
      offset: 144,
      length: 20,
    });
    expect(partNamed(inspection, 'pbKeyBlob')).toMatchObject({
      format: 'simpleblob',
      state: 'read',
    });
    const cut = concatBytes(Uint8Array.of(0xff, 3, 0, 0), blob, bytes(20));
    expect(inspect(cut)).toMatchObject({ state: 'damaged', fault: { field: 'pbKeyBlob' } });
  });

  test('a SIMPLEBLOB that was never encrypted', () => {
    const block = concatBytes(Uint8Array.of(0, 2), bytes(109), Uint8Array.of(0), bytes(16));
    const blob = encodeSimpleBlob({ algId: ALG_ID.CALG_AES_128, encryptedKey: block });
    expect(noteIds(inspect(blob))).toContain('EXPONENT_OF_ONE');
  });

  test('a public key with its modulus, and an exponent of one', () => {
    const blob = encodePublicKeyBlob({
      algId: ALG_ID.CALG_RSA_KEYX,
      modulusBits: 512,
      exponent: 1,
      modulus: bytes(64, 128),
    });
    const inspection = inspect(blob);
    expect(inspection.summary).toBe('An RSA public key of 512 bits, AT_KEYEXCHANGE.');
    expect(fieldLines(inspection).slice(4)).toEqual([
      '8+4 magic = 826364754 ("RSA1")',
      '12+4 bitlen = 512',
      '16+4 pubexp = 1',
      `20+64 modulus = ${toHex(bytes(64, 128).reverse())}`,
    ]);
    expect(noteIds(inspection)).toEqual(['EXPONENT_OF_ONE', 'SHORT_KEY']);
  });

  test('a session key in the clear, without the key', () => {
    const key = bytes(16, 200);
    const inspection = inspect(encodePlaintextKeyBlob({ algId: ALG_ID.CALG_AES_128, key }));
    expect(fieldLines(inspection).slice(4)).toEqual(['8+4 dwKeySize = 16', '12+16 rgbKeyData']);
    expect(noteIds(inspection)).toEqual(['KEY_IN_THE_CLEAR']);
  });

  test('bytes that follow a blob, as unknown', () => {
    const blob = encodePublicKeyBlob({
      algId: ALG_ID.CALG_RSA_SIGN,
      modulusBits: 2048,
      exponent: 65537,
      modulus: bytes(256, 130),
    });
    const inspection = inspect(concatBytes(blob, bytes(7)));
    expect(inspection.state).toBe('read');
    expect(fieldLines(inspection).at(-1)).toBe('276+7 unknown');
    expect(noteIds(inspection)).toEqual(['TRAILING_BYTES']);
  });

  test('a blob that is cut short, with the field and its offset', () => {
    const blob = encodePublicKeyBlob({
      algId: ALG_ID.CALG_RSA_SIGN,
      modulusBits: 2048,
      exponent: 65537,
      modulus: bytes(256, 130),
    });
    const inspection = inspect(blob.subarray(0, 100));
    expect(inspection).toMatchObject({
      format: 'publickeyblob',
      state: 'damaged',
      fault: {
        format: 'PUBLICKEYBLOB',
        field: 'modulus',
        offset: 20,
        problem: 'want 256 bytes, 80 left',
      },
    });
    expect(fieldLines(inspection).slice(-2)).toEqual(['16+4 pubexp = 65537', '20+80 unknown']);
  });

  test('a PVK with the blob inside, at its offset in the file', () => {
    const inspection = inspect(pvk());
    expect(chain(inspection)).toBe('pvk > privatekeyblob');
    expect(inspection.summary).toBe(
      'A private key file, CALG_RSA_KEYX (0xa400), AT_KEYEXCHANGE, not encrypted.',
    );
    const key = partNamed(inspection, 'key')!;
    expect(key.offset).toBe(24);
    expect(
      fieldLines(key)
        .slice(0, 8)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['24+1', '25+1', '26+2', '28+4', '32+4', '36+4', '40+4', '44+256']);
    expect(fieldLines(key).slice(8)).toEqual([
      '300+128 prime1',
      '428+128 prime2',
      '556+128 exponent1',
      '684+128 exponent2',
      '812+128 coefficient',
      '940+256 privateExponent',
    ]);
    expect(noteIds(key)).toEqual(['PRIVATE_KEY_IN_THE_CLEAR']);
  });

  test('a DPAPI blob: GUIDs, description, algorithms', () => {
    const inspection = inspect(dpapiBlob());
    expect(inspection.format).toBe('dpapi-blob');
    expect(fieldLines(inspection)).toEqual([
      '0+4 dwVersion = 1',
      '4+16 guidProvider = d08c9ddf0115d1118c7a00c04fc297eb (df9d8cd0-1501-11d1-8c7a-00c04fc297eb)',
      '20+4 dwMasterKeyVersion = 1',
      `24+16 guidMasterKey = 2f44b69f6a6280499c85d238be955b3c (${GUID})`,
      '40+4 dwFlags = 4',
      '44+4 szDescription length = 12',
      '48+12 szDescription = 530065006f0075006c000000 (Seoul)',
      '60+4 algCrypt = 26115 (CALG_3DES (0x6603))',
      '64+4 dwAlgCryptLen = 192',
      '68+4 pbSalt length = 4',
      '72+4 pbSalt = 01020304',
      '76+4 pbStrong length = 0',
      '80+0 pbStrong',
      '80+4 algHash = 32772 (CALG_SHA1 (0x8004))',
      '84+4 dwAlgHashLen = 160',
      '88+4 pbHmac length = 2',
      '92+2 pbHmac = 0506',
      '94+4 pbData length = 8',
      '98+8 pbData',
      '106+4 pbSign length = 3',
      '110+3 pbSign = 070809',
    ]);
    expect(inspection.summary).toContain('("Seoul"), for the machine: CALG_3DES');
  });

  test('a master key file with its sections as structures', () => {
    const file = encodeMasterKeyFile({
      guid: GUID,
      reserved: [0, 0],
      reserved2: 0,
      policy: 0,
      flags: 5,
      masterKey: {
        version: 2,
        salt: bytes(16),
        rounds: 8000,
        hashAlgId: ALG_ID.CALG_SHA_512,
        cryptAlgId: ALG_ID.CALG_AES_256,
        ciphertext: bytes(144),
      },
      credHist: { version: 3, guid: GUID },
    });
    const inspection = inspect(file);
    expect(inspection.summary).toBe(
      `Master key ${GUID}, under the SHA-1 of a password: the master key (8000 rounds, CALG_AES_256 (0x6610)), a reference to CREDHIST entry ${GUID}.`,
    );
    expect(fieldLines(inspection).slice(-10)).toEqual([
      '128+176 master key',
      '128+4   dwVersion = 2',
      `132+16   salt = ${toHex(bytes(16))}`,
      '148+4   rounds = 8000',
      '152+4   algHash = 32782 (CALG_SHA_512 (0x800e))',
      '156+4   algCrypt = 26128 (CALG_AES_256 (0x6610))',
      '160+144   pbKey',
      '304+20 credential history',
      '304+4   dwVersion = 3',
      `308+16   guid = 2f44b69f6a6280499c85d238be955b3c (${GUID})`,
    ]);
  });

  test('a key record by the names of CMS, though its decoder reads a copy', () => {
    const record = readAnnotated(
      readFileSync(new URL('../../vectors/record-rsa-pkcs1.txt', import.meta.url), 'utf8'),
    );
    const inspection = inspect(record);
    expect(inspection).toMatchObject({ format: 'key-record', state: 'read' });
    const lines = fieldLines(inspection);
    expect(lines[0]).toMatch(/^0\+\d+ ContentInfo/u);
    expect(lines).toContainEqual(expect.stringMatching(/\+\d+ +ktri\.rid/u));
    expect(lines).toContainEqual(expect.stringMatching(/ +label = /u));
    expect(inspection.fields.filter(({ kind }) => kind === 'unknown')).toEqual([]);
    expect(noteIds(inspection)).toEqual(['NOT_VERIFIED']);
  });

  test('the header of an encrypted file from its beginning alone, with the record inside', () => {
    const record = readAnnotated(
      readFileSync(new URL('../../vectors/record-pbkdf2.txt', import.meta.url), 'utf8'),
    );
    const header = encodeFileHeader({ fileId: bytes(16), record, context: { case: '17' } });
    const inspection = inspect(header, { name: 'C:\\reports\\a.cask', size: 5_000_000_000 });
    expect(inspection).toMatchObject({ format: 'cask', length: 5_000_000_000 });
    expect(inspection.summary).toContain(
      `context case, then ${5_000_000_000 - header.length} bytes of ciphertext`,
    );
    expect(inspection.fields.at(-1)).toMatchObject({
      field: 'ciphertext',
      offset: header.length,
      length: 5_000_000_000 - header.length,
    });
    expect(partNamed(inspection, 'record')).toMatchObject({ format: 'key-record', offset: 36 });
  });

  test('PEM, and the DER inside down to the numbers', () => {
    const pem = testKeyPair('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' });
    const inspection = inspect(encodeUtf8(String(pem)));
    expect(chain(inspection)).toBe('pem > pkcs8 > pkcs1-private');
    const key = inspection.parts[0]!.parts[0]!;
    expect(fieldLines(key).slice(3)).toEqual([
      expect.stringMatching(/publicExponent = 010001$/u),
      ...['privateExponent', 'prime1', 'prime2', 'exponent1', 'exponent2', 'coefficient'].map(
        (name) => expect.stringMatching(new RegExp(` {3}${name}$`, 'u')) as string,
      ),
    ]);
  });

  test('an EC key in SEC 1, in PKCS#8 and as a public key', () => {
    const { privateKey, spki } = testKeyPair('p-256');
    const sec1 = privateKey.export({ type: 'sec1', format: 'der' });
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    expect(inspect(sec1).summary).toBe('An EC private key on secp256r1 (P-256), not encrypted.');
    expect(chain(inspect(pkcs8))).toBe('pkcs8 > sec1');
    expect(inspect(spki)).toMatchObject({
      format: 'spki',
      summary: 'A public key, id-ecPublicKey.',
    });
  });

  test('a private key that a password encrypts', () => {
    const pem = testKeyPair('p-256').privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    });
    const inspection = inspect(encodeUtf8(String(pem)));
    expect(chain(inspection)).toBe('pem > encrypted-pkcs8');
    expect(inspection.parts[0]!.summary).toBe('A private key that a password encrypts, id-PBES2.');
  });
});

describe('a file that only its name tells', () => {
  const preferred = encodePreferred({ guid: GUID, fileTime: 0n });

  test('is read under that name, with folders of either system', () => {
    for (const name of ['Preferred', 'C:\\Protect\\S-1-5-18\\Preferred', '/mnt/preferred'])
      expect(inspect(preferred, { name }).format).toBe('preferred');
  });

  test('is unknown under another', () => {
    expect(inspect(preferred, { name: 'other' }).format).toBe('unknown');
  });
});

describe('text of a blob', () => {
  const blob = encodeSimpleBlob({ algId: ALG_ID.CALG_AES_256, encryptedKey: bytes(256, 3) });
  const base64 = Buffer.from(blob).toString('base64');

  test.each([
    ['hex', toHex(blob)],
    ['hex', `${toHex(blob).toUpperCase()}\r\n`],
    ['hex', toHex(blob).replaceAll(/../gu, '$& ')],
    ['hex', toHex(blob).replaceAll(/../gu, '0x$&, ')],
    ['hex', toHex(blob).replaceAll(/.{32}/gu, '$&\n')],
    ['base64', base64],
    ['base64', base64.replaceAll(/.{64}/gu, '$&\r\n')],
    ['base64', Buffer.from(blob).toString('base64url')],
  ])('in %s is the blob, and said to be text', (kind, text) => {
    const inspection = inspect(encodeUtf8(text));
    expect(chain(inspection)).toBe(`${kind} > simpleblob`);
    expect(noteIds(inspection)).toEqual(['TEXT_OF_BYTES']);
    expect(inspection.parts[0]).toMatchObject({ name: kind, offset: 0, length: 268 });
  });

  test('is text where it spells nothing that is known', () => {
    expect(inspect(encodeUtf8('deadbeefdeadbeefdeadbeef'))).toMatchObject({
      format: 'unknown',
      summary: '24 bytes of no format that keycask knows: text.',
    });
  });
});

describe('bytes of no format', () => {
  test.each([
    ['nothing', new Uint8Array(0), 'The file is empty.'],
    ['zeros', new Uint8Array(40), 'all are 0x00'],
    ['text', encodeUtf8('Dear Sir, here is the key.'), ': text.'],
    ['UTF-16', Buffer.from('Dear Sir, here is the key.', 'utf16le'), ': text in UTF-16.'],
    ['few bytes', bytes(5, 0xf0), 'too short to guess'],
    [
      'a structure',
      Uint8Array.from({ length: 256 }, (_, i) => (i % 16 === 0 ? 200 : 0)),
      'a structure',
    ],
    ['blocks of AES', spread(4096), 'a multiple of 16, the block of AES'],
    ['blocks of DES', spread(4088), 'a multiple of 8, the block of DES and RC2'],
    ['a stream', spread(4097), 'no multiple of a cipher block'],
  ])('are told to be %s', (_, input, words) => {
    const inspection = inspect(input);
    expect(inspection).toMatchObject({ format: 'unknown', state: 'unknown', length: input.length });
    expect(inspection.summary).toContain(words);
  });

  test('are one unknown field', () => {
    expect(fieldLines(inspect(bytes(5, 0xf0)))).toEqual(['0+5 unknown']);
  });
});

test('a blob of a type and an algorithm that wincrypt.h does not have is none', () => {
  expect(inspect(Uint8Array.of(1, 2, 0, 0, 0xff, 0xff, 0, 0, 1, 2, 3, 4)).format).toBe('unknown');
});

function pvk(): Uint8Array {
  const jwk = testKeyPair('rsa-2048').privateKey.export({ format: 'jwk' });
  const number = (text: string | undefined): Uint8Array =>
    new Uint8Array(Buffer.from(text!, 'base64url'));
  const keyBlob = encodeKeyBlob({
    type: 'PRIVATEKEYBLOB',
    algId: ALG_ID.CALG_RSA_KEYX,
    modulusBits: 2048,
    exponent: 65537,
    modulus: number(jwk.n),
    prime1: number(jwk.p),
    prime2: number(jwk.q),
    exponent1: number(jwk.dp),
    exponent2: number(jwk.dq),
    coefficient: number(jwk.qi),
    privateExponent: number(jwk.d),
  });
  expect(decodeKeyBlob(keyBlob).type).toBe('PRIVATEKEYBLOB');
  return encodePvk({ keySpec: 1, encryptedFlag: 0, salt: new Uint8Array(0), keyBlob });
}

function dpapiBlob(): Uint8Array {
  return encodeDpapiBlob({
    masterKeyVersion: 1,
    masterKeyGuid: GUID,
    flags: 4,
    description: 'Seoul',
    cryptAlgId: ALG_ID.CALG_3DES,
    cryptBits: 192,
    salt: bytes(4),
    strong: new Uint8Array(0),
    hashAlgId: ALG_ID.CALG_SHA1,
    hashBits: 160,
    hmac: bytes(2, 5),
    ciphertext: bytes(8),
    sign: bytes(3, 7),
  });
}

/** Bytes that are evenly spread, the same on every run. */
function spread(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  });
}
