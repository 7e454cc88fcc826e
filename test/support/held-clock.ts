/** A clock that stands still until a test moves it, in place of performance.now(): no busy machine makes time pass in the wrong place. */
import { onTestFinished, vi } from 'vitest';

export interface HeldClock {
  advance(milliseconds: number): void;
}

/** Holds the clock of this process until the end of the test. Timers go on. */
export function holdClock(): HeldClock {
  // A whole number: a second later is then a second, not a part of a nanosecond less.
  let now = Math.ceil(performance.now());
  const held = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => held.mockRestore());
  return {
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
}
