/** Native calls on the thread pool: real ones, many at once. */
import process from 'node:process';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import {
  callAsync,
  MAX_ASYNC_CALLS,
  type NativeFunction,
} from '../../../native-bindings/async-call.ts';

/** What koffi refuses to queue. */
const TOO_MANY = koffi.config().max_async_calls! + 1;

const isWindows = process.platform === 'win32';
/** On other systems the functions of libc are those of the process itself. */
const library = koffi.load(isWindows ? 'kernel32.dll' : null);
const runtime = koffi.load(isWindows ? 'msvcrt.dll' : null);

function sleep(): { native: NativeFunction; args: readonly unknown[] } {
  const native = isWindows
    ? library.func('__stdcall', 'Sleep', 'void', ['uint32_t'])
    : library.func('usleep', 'int', ['uint32_t']);
  return { native: native as NativeFunction, args: [1] };
}

const memset = runtime.func('memset', 'void *', ['void *', 'int', 'size_t']) as NativeFunction;

describe('callAsync', () => {
  test('takes more calls at once than koffi does', async () => {
    const { native, args } = sleep();
    const calls = Array.from({ length: 4 * TOO_MANY }, (_, index) =>
      callAsync(native, args, () => index),
    );
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => index));
  });

  test('is needed: koffi alone throws', async () => {
    const { native, args } = sleep();
    let settled = 0;
    let queued = 0;
    const queue = (): void => {
      while (queued < TOO_MANY) {
        native.async(...args, () => (settled += 1));
        queued += 1;
      }
    };
    expect(queue).toThrow('Too many asynchronous calls');
    expect(queued).toBeGreaterThan(MAX_ASYNC_CALLS);
    await expect.poll(() => settled, { timeout: 30_000 }).toBe(queued);
  });

  test('begins them in the order in which they were asked for', async () => {
    const begun: number[] = [];
    const native = Object.assign(() => undefined, {
      async: (index: number, done: (error: null, result: number) => void): void => {
        begun.push(index);
        setImmediate(done, null, index);
      },
    }) as NativeFunction;
    const wanted = Array.from({ length: 3 * MAX_ASYNC_CALLS }, (_, index) => index);
    await Promise.all(wanted.map((index) => callAsync(native, [index], (result) => result)));
    expect(begun).toEqual(wanted);
  });

  test('writes into buffers in place, and keeps them alive', async () => {
    const buffers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => {
        const buffer = new Uint8Array(16);
        return callAsync(memset, [buffer, index % 256, buffer.length], () => buffer);
      }),
    );
    for (const [index, buffer] of buffers.entries())
      expect(buffer).toEqual(new Uint8Array(16).fill(index % 256));
  });

  test('rejects with what the outcome throws', async () => {
    const { native, args } = sleep();
    const failure = new TypeError('the call failed');
    const call = callAsync(native, args, () => {
      throw failure;
    });
    await expect(call).rejects.toBe(failure);
  });

  test('an argument of a wrong type rejects, and leaves room for others', async () => {
    const calls = Array.from({ length: 2 * MAX_ASYNC_CALLS }, () =>
      callAsync(memset, [new Uint8Array(1), 'one', 1], () => 'done'),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
    const buffer = new Uint8Array(2);
    await callAsync(memset, [buffer, 9, 2], () => undefined);
    expect(buffer).toEqual(Uint8Array.of(9, 9));
  });
});
