/** Layouts of session keys and of RSA byte by byte, and each way that they can be wrong; dss-and-dh.test.ts has the others. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  ALG_ID,
  BlobFormatError,
  decodeKeyBlob,
  decodePlaintextKeyBlob,
  decodePrivateKeyBlob,
  decodePublicKeyBlob,
  decodeSimpleBlob,
  encodeKeyBlob,
  encodePlaintextKeyBlob,
  encodePlaintextKeyBlobInto,
  encodePrivateKeyBlob,
  encodePublicKeyBlob,
  encodeSimpleBlob,
  plaintextKeyBlobLength,
  privateKeyBlobLength,
  type KeyBlob,
} from '../../../lib/blobs/index.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

/** 48 bytes, big-endian: a modulus of the shortest RSA key, 384 bits. */
const WHOLE = Uint8Array.from({ length: 48 }, (_, i) => 0x80 + i);
const half = (start: number): Uint8Array => Uint8Array.from({ length: 24 }, (_, i) => start + i);
const reversed = (bytes: Uint8Array): string => toHex(bytes.toReversed());

const HEADERS = {
  //            bType bVersion reserved aiKeyAlg
  simple: /*    */ '01   02       0000     10660000', // CALG_AES_256
  public: /*    */ '06   02       0000     00a40000', // CALG_RSA_KEYX
  private: /*   */ '07   02       0000     00240000', // CALG_RSA_SIGN
  plaintext: /* */ '08   02       0000     10660000',
  opaque: /*    */ '09   02       0000     014c0000', // CALG_SSL3_MASTER
};
/** bitlen 384, pubexp 65537 */
const RSAPUBKEY = '80010000 01000100';

const BLOBS = {
  SIMPLEBLOB: hex(`${HEADERS.simple} 00a40000 ${reversed(WHOLE)}`),
  PUBLICKEYBLOB: hex(`${HEADERS.public} 52534131 ${RSAPUBKEY} ${reversed(WHOLE)}`),
  PRIVATEKEYBLOB: hex(
    `${HEADERS.private} 52534132 ${RSAPUBKEY} ${reversed(WHOLE)}
     ${reversed(half(0x01))} ${reversed(half(0x21))} ${reversed(half(0x41))} ${reversed(half(0x61))}
     ${reversed(half(0x81))} ${reversed(WHOLE)}`,
  ),
  PLAINTEXTKEYBLOB: hex(`${HEADERS.plaintext} 20000000 ${'5a'.repeat(32)}`),
  opaque: hex(`${HEADERS.opaque} 0102030405`),
};

const DECODED: { readonly [Type in keyof typeof BLOBS]: Omit<KeyBlob, 'type'> } = {
  SIMPLEBLOB: { algId: ALG_ID.CALG_AES_256, encryptedKey: WHOLE } as KeyBlob,
  PUBLICKEYBLOB: {
    algId: ALG_ID.CALG_RSA_KEYX,
    modulusBits: 384,
    exponent: 65537,
    modulus: WHOLE,
  } as KeyBlob,
  PRIVATEKEYBLOB: {
    algId: ALG_ID.CALG_RSA_SIGN,
    modulusBits: 384,
    exponent: 65537,
    modulus: WHOLE,
    prime1: half(0x01),
    prime2: half(0x21),
    exponent1: half(0x41),
    exponent2: half(0x61),
    coefficient: half(0x81),
    privateExponent: WHOLE,
  } as KeyBlob,
  PLAINTEXTKEYBLOB: { algId: ALG_ID.CALG_AES_256, key: new Uint8Array(32).fill(0x5a) } as KeyBlob,
  opaque: {
    blobType: 'OPAQUEKEYBLOB',
    version: 2,
    algId: ALG_ID.CALG_SSL3_MASTER,
    content: hex('0102030405'),
  } as KeyBlob,
};

const TYPES = Object.keys(BLOBS) as (keyof typeof BLOBS)[];

describe('a blob of each type', () => {
  test.each(TYPES)('%s is read field by field', (type) => {
    expect(decodeKeyBlob(BLOBS[type])).toMatchObject({ type, ...DECODED[type] });
  });

  test.each(TYPES)('%s is written byte by byte', (type) => {
    const blob = { type, ...DECODED[type] } as KeyBlob;
    expect(toHex(encodeKeyBlob(blob))).toBe(toHex(BLOBS[type]));
  });

  test.each(TYPES.filter((type) => type !== 'opaque'))('%s: one byte more is refused', (type) => {
    const longer = concatBytes(BLOBS[type], Uint8Array.of(0));
    // A SIMPLEBLOB has no length field: only who knows the modulus can tell.
    const options = type === 'SIMPLEBLOB' ? { modulusLength: 48 } : {};
    expect(thrownBy(() => decodeKeyBlob(longer, options))).toMatchObject({
      name: 'BlobFormatError',
      code: 'BLOB_MALFORMED',
      field: 'end',
      offset: BLOBS[type].length,
    });
  });

  test.each(TYPES.filter((type) => type !== 'opaque'))(
    '%s: trailing bytes are left to an importer that allows them',
    (type) => {
      const longer = concatBytes(BLOBS[type], new Uint8Array(8));
      const blob = decodeKeyBlob(longer, { trailing: 'allow', modulusLength: 48 });
      expect(blob).toEqual(decodeKeyBlob(BLOBS[type]));
    },
  );

  test.each(TYPES)('%s: no prefix of it is read, up to its last length field', (type) => {
    const shortest = type === 'opaque' ? 8 : BLOBS[type].length;
    const options = type === 'SIMPLEBLOB' ? { modulusLength: 48 } : {};
    for (let length = 0; length < shortest; length++) {
      const error = thrownBy(() => decodeKeyBlob(BLOBS[type].subarray(0, length), options));
      expect(error).toBeInstanceOf(BlobFormatError);
    }
  });

  test.each([
    ['bType', 0, 0x02, 'BLOB_MALFORMED'],
    ['bVersion', 1, 0x04, 'BLOB_VERSION_UNSUPPORTED'],
    ['reserved', 2, 0x01, 'BLOB_MALFORMED'],
    ['reserved', 3, 0x80, 'BLOB_MALFORMED'],
  ])('a wrong %s at offset %i is refused in every type', (field, offset, value, code) => {
    for (const type of TYPES) {
      const blob = Uint8Array.from(BLOBS[type]);
      blob[offset] = value;
      expect(
        thrownBy(() => decodeKeyBlob(blob)),
        type,
      ).toMatchObject({ code, field });
    }
  });
});

describe('SIMPLEBLOB', () => {
  test('only the RSA block is reversed', () => {
    expect(toHex(decodeSimpleBlob(BLOBS.SIMPLEBLOB).encryptedKey)).toBe(toHex(WHOLE));
    expect(toHex(BLOBS.SIMPLEBLOB.subarray(12))).toBe(reversed(WHOLE));
  });

  test('a key under an agreed key is another layout, which reverses nothing', () => {
    const underRc2 = Uint8Array.from(BLOBS.SIMPLEBLOB);
    underRc2.set(hex('02660000'), 8);
    expect(codeOf(() => decodeSimpleBlob(underRc2))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
    const blob = decodeKeyBlob(underRc2);
    expect(blob).toMatchObject({
      type: 'agreed-SIMPLEBLOB',
      algId: ALG_ID.CALG_AES_256,
      wrappingAlgId: ALG_ID.CALG_RC2,
      encryptedKey: WHOLE.toReversed(),
    });
    expect(toHex(encodeKeyBlob(blob))).toBe(toHex(underRc2));
  });

  test('a block that no RSA key has is refused', () => {
    const header = BLOBS.SIMPLEBLOB.subarray(0, 12);
    for (const length of [0, 1, 47, 2049]) {
      const blob = concatBytes(header, new Uint8Array(length));
      expect(
        codeOf(() => decodeSimpleBlob(blob)),
        `${length}`,
      ).toBe('BLOB_MALFORMED');
    }
  });

  test('an unknown session key algorithm survives as its number', () => {
    const blob = { algId: 0x12345678, encryptedKey: WHOLE };
    expect(decodeSimpleBlob(encodeSimpleBlob(blob)).algId).toBe(0x12345678);
  });
});

describe('PUBLICKEYBLOB', () => {
  test.each([
    ['bitlen', 12, '7f010000'], // 383
    ['bitlen', 12, '01400000'], // 16385
    ['bitlen', 12, 'ffffffff'],
    ['pubexp', 16, '00000000'],
    ['magic', 8, '52534132'],
  ])('a %s out of bounds is refused before anything is read by it', (field, offset, value) => {
    const blob = Uint8Array.from(BLOBS.PUBLICKEYBLOB);
    blob.set(hex(value), offset);
    expect(thrownBy(() => decodePublicKeyBlob(blob))).toMatchObject({ field, offset });
  });

  test('a key of an algorithm that has no layout is carried as bytes', () => {
    for (const start of ['06 02 0000 05aa0000', '07 03 0000 03220000']) {
      const bytes = hex(`${start} 44535333 00040000 aabb`);
      const blob = decodeKeyBlob(bytes);
      expect(blob.type).toBe('opaque');
      expect(toHex(encodeKeyBlob(blob))).toBe(toHex(bytes));
    }
  });

  test('a modulus longer than its bits is refused when it is written', () => {
    const blob = { algId: ALG_ID.CALG_RSA_KEYX, modulusBits: 376, exponent: 3, modulus: WHOLE };
    expect(codeOf(() => encodePublicKeyBlob(blob))).toBe('PARAMETER_INVALID');
  });
});

describe('PRIVATEKEYBLOB', () => {
  test('has 20 bytes and 9/16 of its bits', () => {
    expect([512, 1024, 2048, 4096].map(privateKeyBlobLength)).toEqual([308, 596, 1172, 2324]);
    // Odd sizes: B = (bits + 7) >> 3, H = (bits + 15) >> 4
    expect(privateKeyBlobLength(1031)).toBe(20 + 2 * 129 + 5 * 65);
  });

  test('a short or missing tail is read only where that is asked for, and has no d', () => {
    for (const missing of [1, 17, 48]) {
      const short = BLOBS.PRIVATEKEYBLOB.subarray(0, -missing);
      expect(codeOf(() => decodePrivateKeyBlob(short))).toBe('BLOB_MALFORMED');
      const blob = decodePrivateKeyBlob(short, { shortTail: 'allow' });
      expect(blob.privateExponent).toBeUndefined();
      expect(toHex(blob.coefficient)).toBe(toHex(half(0x81)));
      expect(toHex(encodePrivateKeyBlob(blob))).toBe(toHex(short));
      const { shortTail, ...withoutTail } = blob;
      expect(shortTail).toHaveLength(48 - missing);
      expect(codeOf(() => encodePrivateKeyBlob(withoutTail))).toBe('PARAMETER_INVALID');
      const tooLong = { ...withoutTail, shortTail: WHOLE };
      expect(codeOf(() => encodePrivateKeyBlob(tooLong))).toBe('PARAMETER_INVALID');
    }
    const shorter = BLOBS.PRIVATEKEYBLOB.subarray(0, -49);
    expect(codeOf(() => decodePrivateKeyBlob(shorter, { shortTail: 'allow' }))).toBe(
      'BLOB_MALFORMED',
    );
  });

  test('an encrypted one is told by its magic', () => {
    const encrypted = Uint8Array.from(BLOBS.PRIVATEKEYBLOB);
    encrypted.fill(0xee, 8);
    expect(thrownBy(() => decodePrivateKeyBlob(encrypted))).toMatchObject({ field: 'magic' });
  });

  test('disposing of it wipes every number', () => {
    const blob = decodePrivateKeyBlob(BLOBS.PRIVATEKEYBLOB);
    const numbers = [blob.prime1, blob.prime2, blob.exponent1, blob.coefficient];
    blob[Symbol.dispose]();
    for (const number of [...numbers, blob.privateExponent!]) {
      expect(number.every((byte) => byte === 0)).toBe(true);
    }
  });

  test('a number that is too long for its field is refused, leading zeros aside', () => {
    const blob = decodePrivateKeyBlob(BLOBS.PRIVATEKEYBLOB);
    const padded = concatBytes(new Uint8Array(3), blob.prime1);
    expect(toHex(encodePrivateKeyBlob({ ...blob, prime1: padded }))).toBe(
      toHex(BLOBS.PRIVATEKEYBLOB),
    );
    const longer = concatBytes(Uint8Array.of(1), blob.prime1);
    expect(() => encodePrivateKeyBlob({ ...blob, prime1: longer })).toThrow(/prime1/);
  });
});

describe('PLAINTEXTKEYBLOB', () => {
  test('is written into the array that the caller gave', () => {
    const target = new Uint8Array(plaintextKeyBlobLength(32) + 4);
    const place = target.subarray(2, -2);
    const key = new Uint8Array(32).fill(0x5a);
    encodePlaintextKeyBlobInto({ algId: ALG_ID.CALG_AES_256, key }, place);
    expect(toHex(target)).toBe(`0000${toHex(BLOBS.PLAINTEXTKEYBLOB)}0000`);
    expect(codeOf(() => encodePlaintextKeyBlobInto({ algId: 0x6610, key }, target))).toBe(
      'PARAMETER_INVALID',
    );
  });

  test('its key is a view, not a copy', () => {
    const bytes = Uint8Array.from(BLOBS.PLAINTEXTKEYBLOB);
    const { key } = decodePlaintextKeyBlob(bytes);
    bytes.fill(0);
    expect(key.every((byte) => byte === 0)).toBe(true);
  });

  test('a length of nothing or beyond the bytes is refused', () => {
    for (const size of ['00000000', '21000000', '1f000000', '01000100', 'ffffffff']) {
      const blob = Uint8Array.from(BLOBS.PLAINTEXTKEYBLOB);
      blob.set(hex(size), 8);
      expect(
        codeOf(() => decodePlaintextKeyBlob(blob)),
        size,
      ).toBe('BLOB_MALFORMED');
    }
    const nothing = { algId: ALG_ID.CALG_RC4, key: new Uint8Array(0) };
    expect(codeOf(() => encodePlaintextKeyBlob(nothing))).toBe('PARAMETER_INVALID');
  });
});

describe('decoded blobs with secrets', () => {
  test('print, log and serialize without them', () => {
    for (const type of ['PRIVATEKEYBLOB', 'PLAINTEXTKEYBLOB', 'opaque'] as const) {
      const blob = decodeKeyBlob(BLOBS[type]);
      for (const shown of [inspect(blob, { depth: 9 }), JSON.stringify(blob)]) {
        expect(shown).toContain('[secret]');
        expect(shown).toContain(`${blob.algId}`);
        expect(shown).not.toMatch(/90,\s*90|5a5a|2,\s*3,\s*4/);
      }
    }
  });
});
