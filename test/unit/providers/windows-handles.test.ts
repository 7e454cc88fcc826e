/** NativeHandle: used by many, freed once. */
import { describe, expect, it } from 'vitest';
import { NativeHandle } from '../../../lib/providers/windows/native-handle.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';

/** A handle whose frees are counted, and work that ends when it is told to. */
function handleOf(number: bigint) {
  const freed: bigint[] = [];
  const handle = new NativeHandle(number, (value) => freed.push(value));
  return { handle, freed };
}

function work<Result = void>() {
  let end!: (value: Result) => void;
  let fail!: (error: Error) => void;
  const ended = new Promise<Result>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { ended, end, fail };
}

/** Lets everything run that can. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a native handle', () => {
  it('is given to every use, and what a use gives comes back', async () => {
    const { handle, freed } = handleOf(7n);
    expect(await handle.use((value) => value + 1n)).toBe(8n);
    expect(await handle.use((value) => Promise.resolve(value * 2n))).toBe(14n);
    expect(handle.value).toBe(7n);
    expect(freed).toEqual([]);
  });

  it('is freed when the last use has come back, and not begun with after it was closed', async () => {
    const { handle, freed } = handleOf(7n);
    const [first, second] = [work(), work()];
    const uses = [handle.use(() => first.ended), handle.use(() => second.ended)];
    const closed = handle.close();
    expect(await codeOfAsync(handle.use(() => 1))).toBe('HANDLE_INVALID');
    first.end();
    await settle();
    expect(freed).toEqual([]);
    // What runs may still make calls with it.
    expect(handle.value).toBe(7n);
    second.end();
    await closed;
    await Promise.all(uses);
    expect(freed).toEqual([7n]);
    expect(codeOf(() => handle.value)).toBe('HANDLE_INVALID');
  });

  it('is freed once, however often it is closed, and everybody who closes it waits for that', async () => {
    const { handle, freed } = handleOf(7n);
    const running = work();
    const use = handle.use(() => running.ended);
    let ended = 0;
    const closed = [1, 2, 3].map(() => handle.close().then(() => ended++));
    await settle();
    expect([ended, freed.length]).toEqual([0, 0]);
    running.end();
    await Promise.all([...closed, use]);
    await handle.close();
    expect(freed).toEqual([7n]);
  });

  it('is freed after a use that failed', async () => {
    const { handle, freed } = handleOf(7n);
    const running = work();
    const use = handle.use(() => running.ended);
    const closed = handle.close();
    running.fail(new TypeError('by intention'));
    await expect(use).rejects.toThrow('by intention');
    await closed;
    expect(freed).toEqual([7n]);
    const other = handleOf(8n);
    const thrower = (): never => {
      throw new TypeError('at once');
    };
    await expect(other.handle.use(thrower)).rejects.toThrow('at once');
    await other.handle.close();
    expect(other.freed).toEqual([8n]);
  });

  it('is somebody else’s once it is released, after what runs', async () => {
    const { handle, freed } = handleOf(7n);
    const running = work();
    const use = handle.use(() => running.ended);
    let given: bigint | undefined;
    const released = handle.release().then((value) => (given = value));
    await settle();
    expect(given).toBeUndefined();
    running.end();
    await Promise.all([released, use]);
    expect(given).toBe(7n);
    expect(await codeOfAsync(handle.release())).toBe('HANDLE_INVALID');
    expect(await codeOfAsync(handle.use(() => 1))).toBe('HANDLE_INVALID');
    await handle.close();
    expect(freed).toEqual([]);
  });

  it('tells whoever closes it that freeing failed', async () => {
    const handle = new NativeHandle(7n, () => {
      throw new TypeError('not freed');
    });
    await expect(handle.close()).rejects.toThrow('not freed');
    await expect(handle.close()).rejects.toThrow('not freed');
    expect(codeOf(() => handle.value)).toBe('HANDLE_INVALID');
  });
});
