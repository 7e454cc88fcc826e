/** Labels and file names cannot command a terminal. */
import { describe, expect, test } from 'vitest';
import { printable, printableJson } from '../../../lib/cli/printable.ts';

describe('printable', () => {
  test('leaves letters of every language as they are', () => {
    expect(printable('Größe 日本語 עברית é')).toBe('Größe 日本語 עברית é');
  });

  test.each([
    ['an escape sequence', '\u{1b}[31mred', '\\u{1b}[31mred'],
    ['a line feed', 'one\ntwo', '\\u{a}'],
    ['a carriage return', 'real\rfake', '\\u{d}'],
    ['a C1 control', '\u{9b}31m', '\\u{9b}'],
    ['DEL', 'a\u{7f}', '\\u{7f}'],
    ['a bidirectional override', 'exe.\u{202e}fdp', '\\u{202e}'],
    ['a line separator', 'a\u{2028}b', '\\u{2028}'],
    ['a lone surrogate', 'a\u{d800}b', '\\u{d800}'],
  ])('shows %s instead of sending it', (_, text, shown) => {
    expect(printable(text)).toContain(shown);
    expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  });
});

describe('printableJson', () => {
  test('stays the same value', () => {
    const value = { label: '\u{1b}[2J\u{9b}\u{202e}\u{e0001}\u{2028}x' };
    const json = printableJson(JSON.stringify(value));
    expect(JSON.parse(json)).toEqual(value);
    expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});
