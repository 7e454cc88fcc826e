/** flock(2) of Linux, macOS and the BSDs: a lock that ends with the process that holds it. */
import { KeyStoreError } from '../lib/errors.ts';
import type { NativeFunction } from './async-call.ts';
import { loadKoffi } from './koffi.ts';
import { remember } from './remember.ts';

export interface PosixLock {
  /** Takes the lock of an open file, exclusively, unless somebody else has it. It is free when the file is closed. */
  readonly tryLock: (fileDescriptor: number) => boolean;
}

/** @throws KeyStoreError MODULE_MISSING without koffi, PROVIDER_UNAVAILABLE where the system has no flock. */
export const loadPosixLock: () => Promise<PosixLock> = remember(async () => {
  const koffi = await loadKoffi();
  let flock: NativeFunction;
  try {
    flock = koffi.load(null).func('flock', 'int', ['int', 'int']) as NativeFunction;
  } catch {
    throw new KeyStoreError('PROVIDER_UNAVAILABLE', 'this system has no flock');
  }
  return { tryLock: (fileDescriptor) => flock(fileDescriptor, LOCK_EX | LOCK_NB) === 0 };
});

/** sys/file.h, the same numbers on all of them. */
const LOCK_EX = 2;
const LOCK_NB = 4;
