/** prctl, setrlimit, mlock: what a process of Linux can say of itself and its memory. Not mlockall: docs/decisions/locked-memory.md. */
import { C_PARAMETER, openLibC, type LibC } from './libc.ts';
import { remember } from './remember.ts';

export type LinuxProcess = ReturnType<typeof declareProcess>;

/** The bindings, loaded once. @throws KeyStoreError NOT_SUPPORTED, MODULE_MISSING: see `openLibC`. */
export const loadLinuxProcess: () => Promise<LinuxProcess> = remember(async () =>
  declareProcess(await openLibC('linux')),
);

function declareProcess(libc: LibC) {
  const { BYTES, INT, SIZE, ULONG } = C_PARAMETER;
  const prctl = libc.checked('prctl', [INT, ULONG, ULONG, ULONG, ULONG]);
  const setrlimit = libc.checked('setrlimit', [INT, BYTES]);
  const mlock = libc.checked('mlock', [BYTES, SIZE]);

  return {
    /**
     * prctl(2): reads or sets one thing about this process, for all its threads where the option says so.
     *
     * @param option - PR_...; its further arguments are 0 unless it has one.
     * @returns What the option asks for; 0 where it sets something.
     * @throws KeyStoreError with errno.
     */
    prctl: (option: number, value = 0): number => prctl(option, value, 0, 0, 0),

    /** setrlimit(2): soft and hard limit become `limit`. @throws KeyStoreError with errno. */
    setLimit(resource: number, limit: number): void {
      // struct rlimit: two numbers of 64 bits wherever koffi runs on 64 bits.
      setrlimit(resource, BigUint64Array.of(BigInt(limit), BigInt(limit)));
    },

    /**
     * mlock(2) of the pages that these bytes lie on: they do not go to swap. They are locked once, however often this is called, and until the
     * system gets them back.
     *
     * @param bytes - Of an ArrayBuffer, which lies outside V8's heap: V8 ends the process where it cannot discard a page of its own.
     * @throws KeyStoreError IO_FAILED (ENOMEM) beyond RLIMIT_MEMLOCK.
     */
    lockMemory(bytes: Uint8Array): void {
      mlock(bytes, bytes.length);
    },
  };
}
