import { describe, expect, it } from 'vitest';
import { RandomPool } from '../../../lib/keys/random-pool.ts';

describe('a pool of randomness', () => {
  it('gives every byte of its source once, in order, whatever lengths are asked for', () => {
    let next = 0;
    using pool = new RandomPool((target) => target.forEach((_, i) => (target[i] = next++ % 251)));
    const seen: number[] = [];
    for (let i = 0; i < 126; i++) {
      const target = new Uint8Array(32);
      pool.into(target);
      seen.push(...target);
    }
    expect(seen).toEqual(Array.from({ length: 126 * 32 }, (_, i) => i % 251));
  });

  it('asks its source for what is longer than itself', () => {
    const asked: number[] = [];
    using pool = new RandomPool((target) => asked.push(target.length));
    pool.into(new Uint8Array(10_000));
    expect(asked).toEqual([10_000]);
  });

  it('begins anew where less is left than is asked for: no byte is given twice, and none is a zero that was wiped', () => {
    using pool = new RandomPool((target) => target.fill(7));
    for (let i = 0; i < 1000; i++) {
      const target = new Uint8Array(44);
      pool.into(target);
      expect(target.every((byte) => byte === 7)).toBe(true);
    }
  });

  it('gives nothing once it was disposed of', () => {
    const pool = new RandomPool();
    pool[Symbol.dispose]();
    expect(() => pool.into(new Uint8Array(1))).toThrowError(
      expect.objectContaining({ code: 'HANDLE_INVALID' }),
    );
  });
});
