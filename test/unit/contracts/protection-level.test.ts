/** Protection levels: their order, and what an agent is worth whose key file is open to the user whom it serves. */
import { expect, test } from 'vitest';
import {
  isAtLeast,
  isHardware,
  isProtectionLevel,
  LEVEL_NAMES,
  PROTECTION_LEVELS,
  protectionOf,
  readersInWords,
} from '../../../lib/contracts/protection-level.ts';

test('levels go from this process to a token or VBS, and fewer could read at each', () => {
  expect(LEVEL_NAMES).toEqual([
    'this process',
    'agent, same user',
    'agent, other user',
    'LSASS',
    'token',
    'VBS',
  ]);
  const readers = LEVEL_NAMES.map((level) => PROTECTION_LEVELS[level].couldRead);
  expect(readers).toEqual(['same user', 'root', 'root', 'root', 'nobody', 'nobody']);
});

test('each level satisfies itself and the weaker ones; a token and VBS satisfy each other', () => {
  for (const [index, level] of LEVEL_NAMES.entries()) {
    const satisfied = LEVEL_NAMES.filter((wanted) => isAtLeast(level, wanted));
    const isTop = level === 'token' || level === 'VBS';
    expect(satisfied).toEqual(isTop ? LEVEL_NAMES : LEVEL_NAMES.slice(0, index + 1));
  }
  expect(LEVEL_NAMES.filter(isHardware)).toEqual(['token', 'VBS']);
});

test('a name that no level has is none, an inherited one neither', () => {
  expect(isProtectionLevel('token')).toBe(true);
  for (const name of ['Token', 'toString', '', 3, undefined])
    expect(isProtectionLevel(name)).toBe(false);
});

test('an agent of the same user is worth no more than this process where its key file is open to him', () => {
  expect(protectionOf('agent, same user', 'same user')).toEqual({
    level: 'this process',
    couldRead: { inMemory: 'root', onDisk: 'same user' },
  });
  expect(protectionOf('agent, same user', 'nobody').level).toBe('agent, same user');
});

test('an agent that the system could not hide is worth no more than this process', () => {
  expect(protectionOf('agent, same user', 'nobody', 'same user')).toEqual({
    level: 'this process',
    couldRead: { inMemory: 'same user', onDisk: 'nobody' },
  });
});

test('who could still read is told in words: of a token, nobody without it', () => {
  const words = (place: Parameters<typeof protectionOf>[0]) =>
    readersInWords(protectionOf(place, 'nobody'), place).inMemory;
  expect(LEVEL_NAMES.map(words)).toEqual([
    'the same user and root',
    'root',
    'root',
    'root',
    'nobody without the token',
    'nobody',
  ]);
});
