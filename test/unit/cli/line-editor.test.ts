/** What is typed at a terminal in raw mode. */
import { describe, expect, test } from 'vitest';
import { LineEditor, type LineState } from '../../../lib/cli/line-editor.ts';

describe('LineEditor', () => {
  test.each<[string, string, string, LineState]>([
    ['a line up to its end', 'pass word\r', 'pass word', 'done'],
    ['a line feed as its end', 'x\n', 'x', 'done'],
    ['nothing after its end', 'x\ry', 'x', 'done'],
    ['an unfinished line', 'abc', 'abc', 'open'],
    ['backspace', 'abx\u{7f}c\r', 'abc', 'done'],
    ['backspace over a whole character', 'aé日\u{7f}\u{8}b\r', 'ab', 'done'],
    ['backspace at the start', '\u{7f}\u{7f}a\r', 'a', 'done'],
    ['Ctrl-U', 'wrong\u{15}right\r', 'right', 'done'],
    ['arrow keys', 'a\u{1b}[Ab\u{1b}OBc\u{1b}[1;5Dd\r', 'abcd', 'done'],
    ['Ctrl-C', 'abc\u{3}', 'abc', 'cancelled'],
    ['Ctrl-D at the start', '\u{4}', '', 'cancelled'],
    ['Ctrl-D as the end', 'abc\u{4}', 'abc', 'done'],
    ['other control keys', 'a\u{1}\u{b}b\t\r', 'ab', 'done'],
  ])('reads %s', (_, typed, line, state) => {
    using editor = new LineEditor(100);
    expect(editor.feed(new TextEncoder().encode(typed))).toBe(state);
    using taken = editor.take();
    expect(new TextDecoder().decode(taken.bytes)).toBe(line);
  });

  test('reads the same byte by byte', () => {
    using editor = new LineEditor(100);
    const bytes = new TextEncoder().encode('aé\u{1b}[A\u{7f}b\r');
    const states = Array.from(bytes, (byte) => editor.feed(Uint8Array.of(byte)));
    expect(states.at(-1)).toBe('done');
    using taken = editor.take();
    expect(new TextDecoder().decode(taken.bytes)).toBe('ab');
  });

  test('refuses a line that is too long instead of cutting it', () => {
    using editor = new LineEditor(3);
    expect(() => editor.feed(new TextEncoder().encode('abcd'))).toThrow(/longer than 3 bytes/u);
  });

  test('forgets what was erased', () => {
    using editor = new LineEditor(8);
    editor.feed(new TextEncoder().encode('secret\u{15}'));
    expect(new Uint8Array(editor.bytes.buffer)).toEqual(new Uint8Array(8));
  });
});
