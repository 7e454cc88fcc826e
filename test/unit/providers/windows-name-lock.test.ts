/** One at a time for a name, on a double of kernel32's mutexes. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nativeError } from '../../../native-bindings/check-win32.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import {
  withNameLock,
  type LockedName,
  type MutexCalls,
} from '../../../lib/providers/windows/name-lock.ts';
import { codeOfAsync } from '../../support/errors.ts';

/** A double of four functions of kernel32.dll. Mutexes of other processes are those that a test says are held. */
class MutexDouble implements MutexCalls {
  /** Name of every mutex that is open, by handle. */
  readonly open = new Map<bigint, string>();
  readonly held = new Set<bigint>();
  readonly names = new Set<string>();
  /** How often somebody else still has it: `timeout` of this process, or refused to another account's. */
  heldElsewhere = 0;
  refused = 0;
  outcome: ReturnType<MutexCalls['waitForMutex']> = 'acquired';
  #last = 0n;

  createMutex(name: string): bigint {
    this.names.add(name);
    if (this.refused-- > 0) throw denied('CreateMutex');
    const handle = ++this.#last;
    this.open.set(handle, name);
    return handle;
  }

  waitForMutex(mutex: bigint): ReturnType<MutexCalls['waitForMutex']> {
    if (this.heldElsewhere-- > 0) return 'timeout';
    const name = this.open.get(mutex);
    if (name === undefined || this.held.has(mutex)) throw denied('WaitForSingleObject');
    this.held.add(mutex);
    return this.outcome;
  }

  releaseMutex(mutex: bigint): void {
    if (!this.held.delete(mutex)) throw denied('ReleaseMutex');
  }

  closeHandle(handle: bigint): void {
    if (!this.open.delete(handle)) throw denied('CloseHandle');
  }
}

const denied = (api: string) => nativeError(api, 'win32', WINDOWS_STATUS.ERROR_ACCESS_DENIED);
const USER: LockedName = { scope: 'user', name: 'archive' };
afterEach(() => void vi.restoreAllMocks());

/** Runs work under each name at once; tells the most that ran at the same time. */
async function overlap(locked: readonly (readonly [room: string, name: LockedName])[]) {
  const kernel32 = new MutexDouble();
  let running = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
  };
  await Promise.all(locked.map(([room, name]) => withNameLock(kernel32, room, name, work)));
  expect(kernel32.open.size).toBe(0);
  return { most, names: kernel32.names };
}

describe('the lock of a name', () => {
  it('lets one in after the other, in the order in which they came, and gives back what each gives', async () => {
    const kernel32 = new MutexDouble();
    const order: string[] = [];
    const results = [1, 2, 3].map((number) =>
      withNameLock(kernel32, 'cng', USER, async () => {
        order.push(`begin ${number}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
        order.push(`end ${number}`);
        return number;
      }),
    );
    expect(await Promise.all(results)).toEqual([1, 2, 3]);
    expect(order).toEqual([1, 2, 3].flatMap((number) => [`begin ${number}`, `end ${number}`]));
    expect([kernel32.open.size, kernel32.held.size]).toEqual([0, 0]);
  });

  it('is one for names that differ in case only, as Windows takes them for one', async () => {
    const archive = { ...USER, name: 'ARCHIVE' };
    const { most, names } = await overlap([
      ['cng', USER],
      ['cng', archive],
    ]);
    expect([most, names.size]).toEqual([1, 1]);
  });

  it('is not the lock of another name, scope or provider', async () => {
    const { most, names } = await overlap([
      ['cng', USER],
      ['cng', { ...USER, name: 'other' }],
      ['cng', { ...USER, scope: 'machine' }],
      ['cryptoapi', USER],
    ]);
    expect([most, names.size]).toEqual([4, 4]);
    for (const name of names) expect(name).toMatch(/^Global\\keycask-[0-9a-f]{40}$/);
  });

  it('waits for another process, and for one of another account', async () => {
    for (const busy of [{ heldElsewhere: 3 }, { refused: 3 }, { heldElsewhere: 2, refused: 2 }]) {
      const kernel32 = Object.assign(new MutexDouble(), busy);
      expect(await withNameLock(kernel32, 'cng', USER, () => Promise.resolve('in'))).toBe('in');
      expect([kernel32.open.size, kernel32.held.size]).toEqual([0, 0]);
    }
  });

  it('takes over from a process that died', async () => {
    const kernel32 = Object.assign(new MutexDouble(), { outcome: 'abandoned' as const });
    expect(await withNameLock(kernel32, 'cng', USER, () => Promise.resolve('in'))).toBe('in');
    expect([kernel32.open.size, kernel32.held.size]).toEqual([0, 0]);
  });

  it('is given up after a minute (NTE_EXISTS), and another gets its turn', async () => {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 20_000));
    for (const reason of ['heldElsewhere', 'refused'] as const) {
      const kernel32 = new MutexDouble();
      kernel32[reason] = 100;
      const work = vi.fn<() => Promise<void>>(() => Promise.resolve());
      expect(await codeOfAsync(withNameLock(kernel32, 'cng', USER, work))).toBe('STORE_CONFLICT');
      expect(work).not.toHaveBeenCalled();
      expect(kernel32.open.size).toBe(0);
      kernel32[reason] = 0;
      await withNameLock(kernel32, 'cng', USER, work);
      expect(work).toHaveBeenCalledOnce();
    }
  });

  it('is set free when the work fails, or the wait', async () => {
    const kernel32 = new MutexDouble();
    const failing = withNameLock(kernel32, 'cng', USER, () =>
      Promise.reject(new TypeError('by intention')),
    );
    const next = withNameLock(kernel32, 'cng', USER, () => Promise.resolve('in'));
    await expect(failing).rejects.toThrow('by intention');
    expect(await next).toBe('in');
    kernel32.waitForMutex = () => {
      throw denied('WaitForSingleObject');
    };
    const waiting = withNameLock(kernel32, 'cng', USER, () => Promise.resolve('in'));
    expect(await codeOfAsync(waiting)).toBe('PERMISSION_DENIED');
    expect([kernel32.open.size, kernel32.held.size]).toEqual([0, 0]);
  });

  it('tells what keeps a mutex from being made', async () => {
    const kernel32 = new MutexDouble();
    kernel32.createMutex = () => {
      throw nativeError('CreateMutex', 'win32', WINDOWS_STATUS.ERROR_INVALID_HANDLE);
    };
    await expect(
      withNameLock(kernel32, 'cng', USER, () => Promise.resolve()),
    ).rejects.toMatchObject({ code: 'HANDLE_INVALID', native: { api: 'CreateMutex', value: 6 } });
  });
});
