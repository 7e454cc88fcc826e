/** Name patterns, access rules, rate limits and sessions of an agent. */
import { describe, expect, it } from 'vitest';
import { AccessList, requireRight } from '../../../lib/agent/access-list.ts';
import { fitsPattern } from '../../../lib/agent/name-pattern.ts';
import { RateLimit } from '../../../lib/agent/rate-limit.ts';
import { Sessions } from '../../../lib/agent/sessions.ts';
import { codeOf } from '../../support/errors.ts';
import { startCpuClock } from '../../support/cpu-clock.ts';

describe('a name pattern', () => {
  it.each([
    ['*', 'anything', true],
    ['*', '', true],
    ['archive', 'archive', true],
    ['archive', 'archive2', false],
    ['archive*', 'archive2', true],
    ['*archive', 'my archive', true],
    ['a*b*c', 'a--b--c', true],
    ['a*b*c', 'acb', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['.*', 'x', false],
    ['a?c', 'abc', false],
    ['', '', true],
    ['', 'x', false],
  ])('%s fits %s: %s', (pattern, name, fits) => {
    expect(fitsPattern([pattern], name)).toBe(fits);
    expect(fitsPattern(['never', pattern], name)).toBe(fits);
  });

  it('takes no longer for a hostile pattern', () => {
    const spent = startCpuClock();
    expect(fitsPattern([`${'*a'.repeat(100)}b`], 'a'.repeat(4000))).toBe(false);
    expect(spent()).toBeLessThan(200);
  });
});

describe('an access list', () => {
  const list = new AccessList([
    { users: [1], keys: ['x*'], rights: ['unwrap'] },
    { users: 'all', keys: ['xy'], rights: ['sign'] },
  ]);

  it('adds up what rules give', () => {
    expect([...list.rightsOf(1, 'xy')]).toEqual(['unwrap', 'sign']);
    expect([...list.rightsOf(2, 'xy')]).toEqual(['sign']);
    expect([...list.rightsOf(1, 'z')]).toEqual([]);
  });

  it('gives a user of whom nothing is known only what everybody has', () => {
    expect([...list.rightsOf(undefined, 'xy')]).toEqual(['sign']);
  });

  it('of no rules gives nobody anything', () => {
    const none = new AccessList([]);
    expect(codeOf(() => requireRight(none.rightsOf(0, 'x'), 'unwrap'))).toBe('AGENT_ACCESS_DENIED');
    expect(codeOf(() => none.requireManage(0))).toBe('AGENT_ACCESS_DENIED');
  });
});

describe('a rate limit', () => {
  it('lets a burst through, then what time gives, for each user', () => {
    let now = 0;
    const limit = new RateLimit(10, 3, () => now);
    const take = (user: number): string => codeOf(() => limit.take(user));
    expect([take(1), take(1), take(1), take(1)]).toEqual(['none', 'none', 'none', 'AGENT_BUSY']);
    expect(take(2)).toBe('none');
    now += 99;
    expect(take(1)).toBe('AGENT_BUSY');
    now += 2;
    expect([take(1), take(1)]).toEqual(['none', 'AGENT_BUSY']);
    now += 1e9;
    expect([take(1), take(1), take(1), take(1)]).toEqual(['none', 'none', 'none', 'AGENT_BUSY']);
  });
});

describe('sessions', () => {
  const NAME = new Uint8Array(16).fill(1);

  it('are resumed by the user who made them, and by nobody else', () => {
    const sessions = new Sessions({ handles: 10, graceMs: 1000 });
    const { session, resumed } = sessions.enter(NAME, 1000);
    expect(resumed).toBe(false);
    expect(sessions.enter(NAME, 1000)).toEqual({ session, resumed: true });
    expect(codeOf(() => sessions.enter(NAME, 1001))).toBe('AGENT_ACCESS_DENIED');
    expect(codeOf(() => sessions.enter(NAME, undefined))).toBe('AGENT_ACCESS_DENIED');
  });

  it('keep an answer until the client has it, and no longer', async () => {
    const { session } = new Sessions({ handles: 10, graceMs: 1000 }).enter(NAME, 1);
    for (const id of [1, 3, 8]) session.keep(id, Promise.resolve({ result: { id } }));
    session.settle(3);
    expect([...session.answers.keys()]).toEqual([3, 8]);
    session.settle(9);
    expect(session.answers.size).toBe(0);
    await session.close();
  });

  it('of one user keep only so many answers together, however many they are', async () => {
    const sessions = new Sessions({ handles: 10, graceMs: 1000 });
    const answer = Promise.resolve({ result: {} });
    const enter = (name: number) => sessions.enter(new Uint8Array(16).fill(name), 1).session;
    for (let name = 1; name <= 4; name++)
      for (let id = 0; id < 1 << 14; id++) enter(name).keep(id, answer);
    const last = enter(5);
    expect(codeOf(() => last.requireRoomForAnswer())).toBe('AGENT_BUSY');
    sessions.enter(new Uint8Array(16).fill(9), 2).session.requireRoomForAnswer();
    enter(1).settle(1);
    last.requireRoomForAnswer();
    last.keep(1, answer);
    expect(codeOf(() => last.requireRoomForAnswer())).toBe('AGENT_BUSY');
    await sessions.end(enter(2));
    last.requireRoomForAnswer();
    await sessions.close();
  });

  it('close a key that was opened for them when they had ended', async () => {
    const sessions = new Sessions({ handles: 10, graceMs: 1000 });
    const { session } = sessions.enter(NAME, 1);
    await sessions.end(session);
    let isClosed = false;
    const close = () => {
      isClosed = true;
      return Promise.resolve();
    };
    session.add({ type: 'key', key: { close } } as never);
    await Promise.resolve();
    expect(session.handles.size).toBe(0);
    expect(isClosed).toBe(true);
  });

  it('without handles end with their connection; others are swept when their time is over', async () => {
    const sessions = new Sessions({ handles: 10, graceMs: 0 });
    sessions.leave(sessions.enter(NAME, 1).session);
    expect(sessions.size).toBe(0);
    const { session } = sessions.enter(NAME, 1);
    session.keep(1, Promise.resolve({ result: {} }));
    sessions.leave(session);
    expect(sessions.size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    sessions.sweep();
    expect(sessions.size).toBe(0);
  });
});
