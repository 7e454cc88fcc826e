/** Layouts of structures: koffi's and lib/blobs' against what a C compiler makes of the headers. */
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodeEccPublicBlob } from '../../../lib/blobs/cng-ecc-blob.ts';
import { encodeRsaPrivateBlob } from '../../../lib/blobs/cng-rsa-blob.ts';
import { encodePublicKeyBlob } from '../../../lib/blobs/public-key-blob.ts';
import * as structs from '../../../native-bindings/structs.ts';
import { HEADER_VALUES } from './header-values.ts';

/** Decoded by lib/blobs or by hand: the bindings pass their bytes on. */
const BYTES_ONLY = [
  'PUBLICKEYSTRUC',
  'RSAPUBKEY',
  'BCRYPT_RSAKEY_BLOB',
  'BCRYPT_ECCKEY_BLOB',
  'FILETIME',
];

describe('koffi lays out', () => {
  test.each(Object.entries(structs))('%s as the header does', (name, members) => {
    const type = koffi.struct({ ...members });
    const offsets = Object.keys(members).map((member) => [member, koffi.offsetof(type, member)]);
    const layout = { sizeof: koffi.sizeof(type), ...Object.fromEntries(offsets) };
    expect(layout).toEqual(HEADER_VALUES.structures[name]);
  });

  test('every structure of the table that is passed', () => {
    const names = [...Object.keys(structs), ...BYTES_ONLY];
    expect(names.toSorted()).toEqual(Object.keys(HEADER_VALUES.structures).toSorted());
  });
});

describe('lib/blobs writes', () => {
  test('PUBLICKEYSTRUC and RSAPUBKEY where the header has their members', () => {
    const { PUBLICKEYSTRUC, RSAPUBKEY } = HEADER_VALUES.structures;
    const blob = encodePublicKeyBlob({
      algId: ALG_ID.CALG_RSA_KEYX,
      modulusBits: 1024,
      exponent: 65537,
      modulus: odd(128),
    });
    const view = viewOf(blob);
    expect(view.getUint8(PUBLICKEYSTRUC!['bType']!)).toBe(HEADER_VALUES.numbers['PUBLICKEYBLOB']);
    expect(view.getUint8(PUBLICKEYSTRUC!['bVersion']!)).toBe(2);
    expect(view.getUint16(PUBLICKEYSTRUC!['reserved']!, true)).toBe(0);
    expect(view.getUint32(PUBLICKEYSTRUC!['aiKeyAlg']!, true)).toBe(ALG_ID.CALG_RSA_KEYX);
    const key = PUBLICKEYSTRUC!['sizeof']!;
    expect(ascii(blob, key + RSAPUBKEY!['magic']!)).toBe('RSA1');
    expect(view.getUint32(key + RSAPUBKEY!['bitlen']!, true)).toBe(1024);
    expect(view.getUint32(key + RSAPUBKEY!['pubexp']!, true)).toBe(65537);
    expect(blob.length).toBe(key + RSAPUBKEY!['sizeof']! + 128);
  });

  test('BCRYPT_RSAKEY_BLOB where the header has its members', () => {
    const layout = HEADER_VALUES.structures['BCRYPT_RSAKEY_BLOB']!;
    const blob = encodeRsaPrivateBlob({
      modulusBits: 1024,
      exponent: 65537,
      modulus: odd(128),
      prime1: odd(64),
      prime2: odd(64),
    });
    const view = viewOf(blob);
    expect(ascii(blob, layout['Magic']!)).toBe('RSA2');
    expect(view.getUint32(layout['BitLength']!, true)).toBe(1024);
    expect(view.getUint32(layout['cbPublicExp']!, true)).toBe(3);
    expect(view.getUint32(layout['cbModulus']!, true)).toBe(128);
    expect(view.getUint32(layout['cbPrime1']!, true)).toBe(64);
    expect(view.getUint32(layout['cbPrime2']!, true)).toBe(64);
    expect(blob.length).toBe(layout['sizeof']! + 3 + 128 + 2 * 64);
  });

  test('BCRYPT_ECCKEY_BLOB where the header has its members', () => {
    const layout = HEADER_VALUES.structures['BCRYPT_ECCKEY_BLOB']!;
    const point = { x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(2) };
    const blob = encodeEccPublicBlob({ algorithm: 'ECDH', curve: 'P-256', ...point });
    expect(ascii(blob, layout['dwMagic']!)).toBe('ECK1');
    expect(viewOf(blob).getUint32(layout['cbKey']!, true)).toBe(32);
    expect(blob.length).toBe(layout['sizeof']! + 2 * 32);
  });
});

test('FILETIME is one little-endian number of 64 bits', () => {
  expect(HEADER_VALUES.structures['FILETIME']).toEqual({
    sizeof: 8,
    dwLowDateTime: 0,
    dwHighDateTime: 4,
  });
});

/** A number of exactly 8 * length bits that no bound refuses, whichever end comes first. */
function odd(length: number): Uint8Array {
  return new Uint8Array(length).fill(0xc1);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function ascii(bytes: Uint8Array, offset: number): string {
  return Buffer.from(bytes.subarray(offset, offset + 4)).toString('latin1');
}
