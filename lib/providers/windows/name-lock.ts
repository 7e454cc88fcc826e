/** One at a time for one name: among the callers of this process, and among processes by a named mutex. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kernel32 } from '../../../native-bindings/kernel32.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { encodeUtf8, toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyScope } from '../../contracts/provider.ts';

/** What is locked: every slot of a container together. */
export interface LockedName {
  readonly scope: KeyScope;
  readonly name: string;
}

/**
 * Runs `work` while nobody else works on that name. A process that dies sets the name free.
 *
 * @param room - Which provider: two providers do not wait for each other.
 * @throws KeyStoreError STORE_CONFLICT where another process holds the name for a minute; what `work` throws.
 */
// oxlint-disable-next-line max-params -- who, what, and what to do
export async function withNameLock<Result>(
  kernel32: Kernel32,
  room: string,
  locked: LockedName,
  work: () => Promise<Result>,
): Promise<Result> {
  const mutexName = mutexNameOf(room, locked);
  // A thread may take its own mutex twice, so this process queues before it asks for it.
  const before = QUEUES.get(mutexName);
  const turn = (async () => {
    await before?.catch(() => undefined);
    const mutex = kernel32.createMutex(mutexName);
    try {
      await acquire(kernel32, mutex);
      try {
        return await work();
      } finally {
        kernel32.releaseMutex(mutex);
      }
    } finally {
      kernel32.closeHandle(mutex);
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
async function acquire(kernel32: Kernel32, mutex: Handle): Promise<void> {
  const giveUp = performance.now() + GIVE_UP_AFTER_MS;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    // An abandoned mutex is held like any other: whoever died left each file whole or not there.
    if (kernel32.waitForMutex(mutex, 0) !== 'timeout') return;
    if (performance.now() > giveUp)
      throw new KeyStoreError('STORE_CONFLICT', 'another process holds this key container');
    await sleep(pause);
  }
}

/** Kernel objects of the session, or of the machine; case counts in their names. */
function mutexNameOf(room: string, { scope, name }: LockedName): string {
  // Windows takes names that differ in case only for one container.
  const hash = createHash('sha256')
    .update(encodeUtf8(`${room}\0${name.toLowerCase()}`))
    .digest();
  return `${scope === 'machine' ? 'Global' : 'Local'}\\keycask-${toHex(hash.subarray(0, 20))}`;
}

const QUEUES = new Map<string, Promise<unknown>>();
const GIVE_UP_AFTER_MS = 60_000;
const LONGEST_PAUSE_MS = 50;
