/** What may go to a terminal. */
import { describe, expect, test } from 'vitest';
import { TextOnly } from '../../../lib/cli/text-only.ts';

const encode = (text: string) => new TextEncoder().encode(text);

describe('TextOnly', () => {
  test('lets text pass, whatever its chunks', () => {
    const guard = new TextOnly();
    const bytes = encode('Grüße,\r\n\t日本語\n');
    expect(() => bytes.forEach((byte) => guard.check(Uint8Array.of(byte)))).not.toThrow();
    expect(() => guard.end()).not.toThrow();
  });

  test.each([
    ['a zero byte', encode('a\u{0}b')],
    ['an escape sequence', encode('\u{1b}[2J')],
    ['a C1 control', encode('\u{9b}2J')],
    ['what is not UTF-8', Uint8Array.of(0x61, 0xff)],
  ])('refuses %s', (_, bytes) => {
    expect(() => new TextOnly().check(bytes)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('refuses a character that is cut at the end', () => {
    const guard = new TextOnly();
    guard.check(encode('é').subarray(0, 1));
    expect(() => guard.end()).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
