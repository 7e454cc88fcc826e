/** Makes this process one whose memory others of the same user cannot read, and says what of that the system gave. */
import { secureHeapUsed } from 'node:crypto';
import { readFileSync } from 'node:fs';
import inspector from 'node:inspector';
import { dirname } from 'node:path';
import process from 'node:process';
import {
  PR_SET_DUMPABLE,
  PR_SET_NO_NEW_PRIVS,
  RLIMIT_CORE,
} from '../../native-bindings/linux-constants.ts';
import { loadLinuxProcess, type LinuxProcess } from '../../native-bindings/linux-process.ts';
import { KeyStoreError } from '../errors.ts';
import { lockSecretPages } from '../keys/secret-bytes.ts';
import { cleanEnvironment } from './clean-environment.ts';
import type { HardeningMeasure, HardeningName, HardeningReport } from './hardening-report.ts';

export interface HardeningOptions {
  /** Environment variables that stay, beside those of the list in clean-environment.ts. */
  readonly keepVariables?: readonly string[];
}

/**
 * Arguments for node that put the private numbers of RSA and EC keys on locked pages of their own, which OpenSSL wipes when it frees them.
 *
 * 1 MiB has room for 700 RSA keys of 3072 bits; where it is full, keys cannot be opened. What the work with a key leaves in other memory
 * is not there: docs/ISOLATION.md has what a scan found.
 */
export const SECURE_HEAP_ARGUMENTS: readonly string[] = [
  '--secure-heap=1048576',
  '--secure-heap-min=16',
];

/**
 * Hardens this process for as long as it lives. Call it first, in the main thread, before any key is read: until then another process of the same user can
 * read everything here.
 *
 * Linux: not dumpable (/proc/PID/mem, ptrace, process_vm_readv and core files are refused to all but root), no debugger by SIGUSR1, no core
 * file, no new privileges for programs that it starts, secrets on locked pages. Everywhere: no debugger, a clean environment, umask 077. It undoes nothing, and fails
 * for nothing that the system refuses: the report says so instead.
 */
export async function hardenProcess(options: HardeningOptions = {}): Promise<HardeningReport> {
  const linux = await linuxProcess();
  const measures = [
    ofLinux('not-dumpable', linux, (system) => {
      system.prctl(PR_SET_DUMPABLE, 0);
      return 'no other process of this user can read this memory, and the system keeps no image of it; root can';
    }),
    closeDebugger(),
    ofLinux('no-core-file', linux, (system) => {
      system.setLimit(RLIMIT_CORE, 0);
      return 'a crash leaves no memory on the disk';
    }),
    ofLinux('no-new-privileges', linux, (system) => {
      system.prctl(PR_SET_NO_NEW_PRIVS, 1);
      return 'programs that this process starts gain no rights by setuid files';
    }),
    ofLinux('secrets-locked', linux, lockSecrets),
    ofLinux('not-swapped', linux, requireNoSwap),
    secureHeap(),
    ...cleanEnvironment(process.env, options.keepVariables),
    setUmask(),
  ];
  return { measures };
}

/** Linux' calls, or why they cannot be made. */
async function linuxProcess(): Promise<LinuxProcess | KeyStoreError> {
  try {
    return await loadLinuxProcess();
  } catch (error) {
    if (KeyStoreError.is(error)) return error;
    throw error;
  }
}

/** Tries a measure; what the system refuses becomes a part of the report. */
function ofLinux(
  name: HardeningName,
  linux: LinuxProcess | KeyStoreError,
  take: (system: LinuxProcess) => string,
): HardeningMeasure {
  try {
    if (KeyStoreError.is(linux)) throw linux;
    return { name, isInForce: true, detail: take(linux) };
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    return { name, isInForce: false, detail: error.message };
  }
}

/**
 * Node opens a debugger on a port of this machine for whoever sends SIGUSR1, and that port asks nobody who he is. It does not where the
 * program listens to that signal itself.
 */
function closeDebugger(): HardeningMeasure {
  const wasOpen = inspector.url() !== undefined;
  if (wasOpen) inspector.close();
  if (process.platform !== 'win32') process.on('SIGUSR1', ignoreSignal);
  const detail = wasOpen
    ? 'it was open, so whoever was connected could read everything until now; it is closed'
    : 'none is open, and SIGUSR1 opens none';
  return { name: 'no-debugger', isInForce: true, detail };
}

/** One function, so that hardening twice adds no second listener's effect. */
function ignoreSignal(): void {
  // To have a listener is all that is wanted.
}

/** Not mlockall: V8 ends the process where it cannot discard a page (docs/decisions/locked-memory.md). */
function lockSecrets(system: LinuxProcess): string {
  const lock = (bytes: Uint8Array) => {
    if (bytes.length > 0) system.lockMemory(bytes);
  };
  // Fails here, in the report, where nothing may be locked at all.
  lock(new Uint8Array(new ArrayBuffer(PAGE)));
  lockSecretPages((bytes) => {
    try {
      lock(bytes);
    } catch {
      // More secrets at once than RLIMIT_MEMLOCK has room for: these may go to swap, which is better than to stop working.
    }
  });
  return 'session keys and file keys of this thread are on locked pages while they are in use';
}

/** @throws KeyStoreError NOT_SUPPORTED where memory can go to swap. */
function requireNoSwap(): string {
  if (hasNoSwapGroup()) return 'no memory of this service goes to swap: its memory.swap.max is 0';
  const areas = readIfThere('/proc/swaps')?.split('\n').slice(1);
  if (areas?.length === 0) return 'this machine has no swap now; one that is added later is used';
  throw new KeyStoreError(
    'NOT_SUPPORTED',
    'what is on no locked page can go to swap; a service with MemorySwapMax=0 does not; encrypt the swap otherwise',
  );
}

/** Is this process, or a group around it, kept out of swap by control groups (version 2)? */
function hasNoSwapGroup(): boolean {
  const own = /^0::(\/.*)$/mu.exec(readIfThere('/proc/self/cgroup') ?? '')?.[1];
  for (let group = own; group !== undefined && group !== '/'; group = dirname(group))
    if (readIfThere(`/sys/fs/cgroup${group}/memory.swap.max`) === '0') return true;
  return false;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function secureHeap(): HardeningMeasure {
  // undefined, whatever its type says, where node was started without one.
  const heap = secureHeapUsed() as ReturnType<typeof secureHeapUsed> | undefined;
  const name = 'private-keys-locked';
  if (heap === undefined || heap.total === 0)
    return {
      name,
      isInForce: false,
      detail: `node was started without ${SECURE_HEAP_ARGUMENTS.join(' ')}`,
    };
  const detail = `the private numbers of keys are on locked pages, ${heap.total} bytes in all`;
  return { name, isInForce: true, detail };
}

function setUmask(): HardeningMeasure {
  process.umask(0o077);
  return {
    name: 'umask',
    isInForce: process.platform !== 'win32',
    detail:
      process.platform === 'win32'
        ? 'Windows has none: a file gets the permissions of its folder'
        : 'files that it makes are for its user alone',
  };
}

/** Of any size: a page at least is locked. */
const PAGE = 4096;
