/** Base64 and PEM between arrays, and DER that is laid out before it is written. */
import { describe, expect, it } from 'vitest';
import { base64Length, decodeBase64, writeBase64Into } from '../../../lib/bytes/base64.ts';
import {
  derLength,
  derUnsigned,
  derValue,
  writeDer,
  writeDerInto,
} from '../../../lib/bytes/der-layout.ts';
import { TAG } from '../../../lib/bytes/der-tags.ts';
import { integer, octetString, sequence } from '../../../lib/bytes/der-writer.ts';
import { concatBytes, encodeUtf8, toHex } from '../../../lib/bytes/octets.ts';
import { decodePem, isPem, pemLength, writePemInto } from '../../../lib/bytes/pem.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';
import { startCpuClock } from '../../support/cpu-clock.ts';

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 37);

describe('base64', () => {
  it.each(['base64', 'base64url'] as const)('%s is that of Node, for every length', (alphabet) => {
    for (let length = 0; length < 100; length++) {
      const bytes = counting(length);
      const target = new Uint8Array(base64Length(length, alphabet));
      expect(writeBase64Into(bytes, target, 0, alphabet)).toBe(target.length);
      expect(Buffer.from(target).toString()).toBe(Buffer.from(bytes).toString(alphabet));
      expect(decodeBase64(target, alphabet)).toEqual(bytes);
    }
  });

  it.each([
    'A',
    'AA',
    'AAA',
    'AA=A',
    'A===',
    '=',
    '====',
    'AB==',
    'AAB=',
    'AA==AA==',
    'A-==',
    'A A=',
  ])('refuses %s', (text) => {
    expect(decodeBase64(encodeUtf8(text))).toBeUndefined();
  });

  it.each(['A', 'AB', 'AA==', 'AAB', 'AA+A', 'AA/A', 'é'])('refuses %s as base64url', (text) => {
    expect(decodeBase64(encodeUtf8(text), 'base64url')).toBeUndefined();
  });
});

describe('PEM', () => {
  const block = (label: string, der: Uint8Array): Uint8Array => {
    const target = new Uint8Array(pemLength(label, der.length));
    expect(writePemInto({ label, der }, target)).toBe(target.length);
    return target;
  };

  it('has 64 digits a line, and is read again', () => {
    for (const length of [0, 1, 47, 48, 49, 96, 1000]) {
      const der = counting(length);
      const lines =
        Buffer.from(der)
          .toString('base64')
          .match(/.{1,64}/gu) ?? [];
      const text = ['-----BEGIN X Y-----', ...lines, '-----END X Y-----', ''].join('\n');
      expect(Buffer.from(block('X Y', der)).toString()).toBe(text);
      expect(decodePem(encodeUtf8(text))).toEqual([{ label: 'X Y', der }]);
      expect(decodePem(encodeUtf8(text.replaceAll('\n', '\r\n')))).toEqual([{ label: 'X Y', der }]);
    }
  });

  it('has text around its blocks', () => {
    const bytes = concatBytes(
      encodeUtf8('Bag Attributes\n  friendlyName: a-b\n'),
      block('A', counting(3)),
      encodeUtf8('between\n'),
      block('B', counting(4)),
      encodeUtf8('after'),
    );
    expect(decodePem(bytes).map(({ label, der }) => [label, der.length])).toEqual([
      ['A', 3],
      ['B', 4],
    ]);
    expect(isPem(bytes)).toBe(true);
    expect(isPem(counting(50))).toBe(false);
  });

  it.each([
    ['no block', 'text'],
    ['no end', '-----BEGIN A-----\nAAAA\n'],
    ['another end', '-----BEGIN A-----\nAAAA\n-----END B-----\n'],
    ['a label that is cut', '-----BEGIN A\nAAAA'],
    ['an empty label', '-----BEGIN -----\nAAAA\n-----END -----\n'],
    ['what is no base64', '-----BEGIN A-----\nAA?A\n-----END A-----\n'],
    ['a second block that is cut', '-----BEGIN A-----\nAAAA\n-----END A-----\n-----BEGIN B-----\n'],
  ])('is refused with %s', (_, text) => {
    const error = thrownBy(() => decodePem(encodeUtf8(text)));
    expect(error).toBeInstanceOf(BlobFormatError);
    expect(error).toMatchObject({ code: 'BLOB_MALFORMED', format: 'PEM' });
  });

  it('is refused with header lines, which mean that it is encrypted', () => {
    const text = '-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n';
    expect(codeOf(() => decodePem(encodeUtf8(text)))).toBe('NOT_SUPPORTED');
  });

  it('is read in time that grows with its length', () => {
    const many = encodeUtf8('-----BEGIN -'.repeat(20_000));
    const spent = startCpuClock();
    expect(codeOf(() => decodePem(many))).toBe('BLOB_MALFORMED');
    expect(spent()).toBeLessThan(1000);
  });
});

describe('a layout of DER', () => {
  it('is written as the writer of public values writes it, of every length of length', () => {
    for (const length of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000]) {
      const contents = counting(length);
      const layout = derValue(TAG.SEQUENCE, integer(5), derValue(TAG.OCTET_STRING, contents));
      const want = sequence(integer(5), octetString(contents));
      expect(derLength(layout)).toBe(want.length);
      expect(toHex(writeDer(layout))).toBe(toHex(want));
    }
  });

  it('has integers that are positive and minimal', () => {
    for (const value of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x8000, 0xffffffff]) {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setUint32(4, value);
      expect(writeDer(derUnsigned(bytes))).toEqual(integer(value));
    }
    expect(writeDer(derUnsigned(new Uint8Array(0)))).toEqual(integer(0));
  });

  it('goes into a target of its length only', () => {
    const layout = derValue(TAG.SEQUENCE, integer(5));
    expect(codeOf(() => writeDerInto(layout, new Uint8Array(4)))).toBe('PARAMETER_INVALID');
    const target = new Uint8Array(5);
    writeDerInto(layout, target);
    expect(toHex(target)).toBe('3003020105');
  });
});
