/** Runs native functions on the thread pool, a bounded number at a time. */

/** A function that koffi declared: called on this thread, or on one of libuv's with `async`. */
export interface NativeFunction {
  (...args: readonly unknown[]): unknown;
  /** The last argument is called back on this thread. Throws when too many calls are queued. */
  async(...args: readonly unknown[]): void;
}

/** koffi throws beyond 256 queued calls (`max_async_calls`); a half is left to whoever else uses it in this process. */
export const MAX_ASYNC_CALLS = 128;

/** Calls that are on the thread pool. It also keeps their arguments alive: koffi has the addresses of buffers only. */
const running = new Set<readonly unknown[]>();
const waiting: (() => void)[] = [];

/**
 * Calls a native function on the thread pool.
 *
 * libuv has four such threads unless UV_THREADPOOL_SIZE says otherwise: a call that asks a person holds one of them until it is answered.
 *
 * @param native - The function.
 * @param args - Its arguments. Buffers among them are read and written in place, so nobody may change them until the promise settles.
 * @param settle - Makes the outcome of what it returned, and may throw. It runs before any other native call of this thread, so
 *   GetLastError is still that of this call.
 */
export function callAsync<T>(
  native: NativeFunction,
  args: readonly unknown[],
  settle: (result: unknown) => T,
): Promise<T> {
  const call = [...args];
  return new Promise((resolve, reject) => {
    const start = (): void => {
      running.add(call);
      try {
        native.async(...call, (error: Error | null, result: unknown) => {
          try {
            if (error) throw error;
            resolve(settle(result));
          } catch (failure) {
            reject(failure);
          }
          end(call);
        });
      } catch (refused) {
        // An argument of a wrong type: koffi says so before it queues the call.
        reject(refused);
        end(call);
      }
    };
    if (running.size < MAX_ASYNC_CALLS) start();
    else waiting.push(start);
  });
}

function end(call: readonly unknown[]): void {
  running.delete(call);
  waiting.shift()?.();
}
