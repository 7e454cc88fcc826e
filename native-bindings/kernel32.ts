/** kernel32.dll: memory that Windows allocated, named mutexes, handles. */
import process from 'node:process';
import { nativeError } from './check-win32.ts';
import { loadKoffi } from './koffi.ts';
import { remember } from './remember.ts';
import { CP_ACP, WAIT_ABANDONED, WAIT_OBJECT_0, WAIT_TIMEOUT } from './system-constants.ts';
import { openDll, PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';

export type Kernel32 = ReturnType<typeof declareKernel32>;

/** How a wait for a mutex ended. `abandoned`: it is held now, and who held it ended without releasing it. */
type MutexWait = 'acquired' | 'abandoned' | 'timeout';

/** The bindings of kernel32.dll, loaded once. @throws KeyStoreError PROVIDER_UNAVAILABLE, MODULE_MISSING: see `openDll`. */
export const loadKernel32: () => Promise<Kernel32> = remember(async () =>
  declareKernel32(await openDll('kernel32.dll')),
);

/** Wine's version, `10.0`, from ntdll's wine_get_version; undefined where this is Windows, or not even Wine. */
export async function wineVersion(): Promise<string | undefined> {
  if (process.platform !== 'win32') return undefined;
  const ntdll = (await loadKoffi()).load('ntdll.dll');
  try {
    return String(ntdll.func('wine_get_version', 'str', [])());
  } catch {
    return undefined;
  }
}

function declareKernel32(dll: WindowsDll) {
  const { BOOL, BYTES, DWORD, HANDLE, INOUT_DWORD, WIDE_STRING } = PARAMETER;
  const LocalFree = dll.plain('LocalFree', HANDLE, [HANDLE]);
  const copyFrom = dll.plain('RtlMoveMemory', 'void', [BYTES, HANDLE, HANDLE]);
  const RtlZeroMemory = dll.plain('RtlZeroMemory', 'void', [HANDLE, HANDLE]);
  const toWideParameters = [DWORD, DWORD, BYTES, DWORD, BYTES, DWORD];
  const MultiByteToWideChar = dll.plain('MultiByteToWideChar', DWORD, toWideParameters);
  const CreateMutexW = dll.plain('CreateMutexW', HANDLE, [HANDLE, BOOL, WIDE_STRING]);
  const WaitForSingleObject = dll.plain('WaitForSingleObject', DWORD, [HANDLE, DWORD]);
  const ReleaseMutex = dll.win32('ReleaseMutex', [HANDLE]);
  const CloseHandle = dll.win32('CloseHandle', [HANDLE]);
  const GetProcessHandleCount = dll.win32('GetProcessHandleCount', ['intptr_t', INOUT_DWORD]);

  return {
    /** GetLastError (errhandlingapi.h): the number that this thread's last native call left, whatever Node did since. */
    lastError: (): number => dll.lastError(),

    /** LocalFree (winbase.h): frees what Windows allocated for an output. 0n does nothing. */
    localFree(pointer: Handle): void {
      LocalFree(pointer);
    },

    /** RtlMoveMemory (winnt.h): `length` bytes at an address, as a fresh array that the caller owns, and wipes where they are secret. */
    readMemory(pointer: Handle, length: number): Uint8Array {
      const bytes = new Uint8Array(length);
      if (length > 0) copyFrom(bytes, pointer, length);
      return bytes;
    },

    /** RtlZeroMemory (winnt.h): wipes `length` bytes at an address. */
    wipeMemory(pointer: Handle, length: number): void {
      if (length > 0) RtlZeroMemory(pointer, length);
    },

    /**
     * MultiByteToWideChar (stringapiset.h) from the ANSI code page of this system.
     *
     * A character that the code page did not have was lost when the name was turned to ANSI; it stands there as `?`.
     */
    decodeAnsi(bytes: Uint8Array): string {
      if (bytes.length === 0) return '';
      const wide = Buffer.alloc(bytes.length * 2);
      const units = MultiByteToWideChar(CP_ACP, 0, bytes, bytes.length, wide, bytes.length);
      return wide.toString('utf16le', 0, Number(units) * 2);
    },

    /**
     * CreateMutex (synchapi.h): opens the mutex of that name, or makes it; nobody holds a new one.
     *
     * @param name - `Local\...` for the session, `Global\...` for the machine; no other backslash, at most 260 characters.
     * @returns A handle for `closeHandle`.
     * @throws KeyStoreError PERMISSION_DENIED (ERROR_ACCESS_DENIED) where another account made it, HANDLE_INVALID (ERROR_INVALID_HANDLE)
     *   where the name is that of something else.
     */
    createMutex(name: string): Handle {
      const mutex = toHandle(CreateMutexW(0n, 0, name));
      if (mutex === 0n) throw nativeError('CreateMutex', 'win32', dll.lastError());
      return mutex;
    },

    /**
     * WaitForSingleObject (synchapi.h) on this thread, which does nothing else meanwhile: wait 0 ms and try again later where that matters.
     *
     * A mutex belongs to the thread that acquired it. That thread may acquire it again, and releases it as often.
     *
     * @throws KeyStoreError HANDLE_INVALID (ERROR_INVALID_HANDLE).
     */
    waitForMutex(mutex: Handle, milliseconds: number): MutexWait {
      const result = Number(WaitForSingleObject(mutex, milliseconds));
      const outcome = WAITS.get(result);
      if (outcome === undefined) throw nativeError('WaitForSingleObject', 'win32', dll.lastError());
      return outcome;
    },

    /** ReleaseMutex (synchapi.h). @throws KeyStoreError IO_FAILED (ERROR_NOT_OWNER) where this thread does not hold it. */
    releaseMutex(mutex: Handle): void {
      ReleaseMutex(mutex);
    },

    /** CloseHandle (handleapi.h). @throws KeyStoreError HANDLE_INVALID (ERROR_INVALID_HANDLE). */
    closeHandle(handle: Handle): void {
      CloseHandle(handle);
    },

    /** GetProcessHandleCount (processthreadsapi.h) of this process. Handles of CryptoAPI and CNG are not all among them. */
    processHandleCount(): number {
      const count = [0];
      GetProcessHandleCount(CURRENT_PROCESS, count);
      return count[0]!;
    },
  };
}

/** processthreadsapi.h: the pseudo handle that GetCurrentProcess returns. */
const CURRENT_PROCESS = -1;
/** WAIT_FAILED is anything else. */
const WAITS = new Map<number, MutexWait>([
  [WAIT_OBJECT_0, 'acquired'],
  [WAIT_ABANDONED, 'abandoned'],
  [WAIT_TIMEOUT, 'timeout'],
]);
