/** One at a time for one name: among the callers of this process, and among processes by a named mutex. */
import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kernel32 } from '../../../native-bindings/kernel32.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { encodeUtf8, toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyScope } from '../../contracts/provider.ts';

/** What is locked: every slot of a container together. */
export interface LockedName {
  readonly scope: KeyScope;
  readonly name: string;
}

/** The calls of kernel32.dll that a lock is made of. */
export type MutexCalls = Pick<
  Kernel32,
  'createMutex' | 'waitForMutex' | 'releaseMutex' | 'closeHandle'
>;

/**
 * Runs `work` while nobody else works on that name. A process that dies sets the name free.
 *
 * @param room - Which provider: two providers do not wait for each other.
 * @throws KeyStoreError STORE_CONFLICT where another process holds the name for a minute; what `work` throws.
 */
// oxlint-disable-next-line max-params -- who, what, and what to do
export async function withNameLock<Result>(
  kernel32: MutexCalls,
  room: string,
  locked: LockedName,
  work: () => Promise<Result>,
): Promise<Result> {
  const mutexName = mutexNameOf(room, locked);
  // A thread may take its own mutex twice, so this process queues before it asks for it.
  const before = QUEUES.get(mutexName);
  const turn = (async () => {
    await before?.catch(() => undefined);
    const mutex = await acquire(kernel32, mutexName);
    try {
      return await work();
    } finally {
      try {
        kernel32.releaseMutex(mutex);
      } finally {
        kernel32.closeHandle(mutex);
      }
    }
  })();
  QUEUES.set(mutexName, turn);
  try {
    return await turn;
  } finally {
    if (QUEUES.get(mutexName) === turn) QUEUES.delete(mutexName);
  }
}

/** Polls: waiting would stop this process's event loop, and on another thread the mutex would belong to that thread. */
async function acquire(kernel32: MutexCalls, name: string): Promise<Handle> {
  const giveUp = performance.now() + GIVE_UP_AFTER_MS;
  let mutex: Handle | undefined;
  try {
    for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      mutex ??= open(kernel32, name);
      // An abandoned mutex is held like any other: whoever died left each file whole or not there.
      if (mutex !== undefined && kernel32.waitForMutex(mutex, 0) !== 'timeout') return mutex;
      if (performance.now() > giveUp)
        throw new KeyStoreError('STORE_CONFLICT', 'another process holds this key container');
      await sleep(pause);
    }
  } catch (error) {
    if (mutex !== undefined) kernel32.closeHandle(mutex);
    throw error;
  }
}

/**
 * @returns undefined where a process of another account has it open. Its default access list keeps ours out; the mutex is gone when
 *   the last process that has it open has done its work.
 */
function open(kernel32: MutexCalls, name: string): Handle | undefined {
  try {
    return kernel32.createMutex(name);
  } catch (error) {
    if (hasStatus(error, WINDOWS_STATUS.ERROR_ACCESS_DENIED)) return undefined;
    throw error;
  }
}

/**
 * Of the machine and not of the session, also for keys of a user: one user can have several sessions, a service's among them. Mutexes
 * there need no privilege, unlike file mappings and symbolic links ("Kernel object namespaces").
 */
function mutexNameOf(room: string, { scope, name }: LockedName): string {
  const owner = scope === 'machine' ? '' : (profile ??= userInfo().homedir.toLowerCase());
  // Windows takes names that differ in case only for one container.
  const hash = createHash('sha256')
    .update(encodeUtf8(`${room}\0${scope}\0${owner}\0${name.toLowerCase()}`))
    .digest();
  return `Global\\keycask-${toHex(hash.subarray(0, 20))}`;
}

/** Folder of this account's profile, which its keys are a part of. */
let profile: string | undefined;
const QUEUES = new Map<string, Promise<unknown>>();
const GIVE_UP_AFTER_MS = 60_000;
const LONGEST_PAUSE_MS = 50;
