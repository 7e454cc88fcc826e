/** add_key and keyctl: the kernel's keyrings, keyrings(7). */
import process from 'node:process';
import { KeyStoreError } from '../lib/errors.ts';
import { C_PARAMETER, hasErrno, openLibC, type LibC } from './libc.ts';
import {
  KEYCTL_MOVE,
  KEYCTL_MOVE_EXCL,
  KEYCTL_READ,
  KEYCTL_SEARCH,
  KEYCTL_SETPERM,
  KEYCTL_UNLINK,
} from './linux-constants.ts';
import { remember } from './remember.ts';

export type LinuxKeyring = ReturnType<typeof declareKeyring>;

/**
 * The bindings, loaded once. A kernel without keyrings, or a container that may not use them, says so at the first call.
 *
 * @throws KeyStoreError NOT_SUPPORTED where this is not Linux, or a processor whose system calls are not listed here; MODULE_MISSING.
 */
export const loadLinuxKeyring: () => Promise<LinuxKeyring> = remember(async () =>
  declareKeyring(await openLibC('linux')),
);

function declareKeyring(libc: LibC) {
  const numbers = SYSTEM_CALLS[process.arch];
  if (numbers === undefined)
    throw new KeyStoreError('NOT_SUPPORTED', `the keyrings of Linux on ${process.arch}`);
  // libkeyutils, which has these as functions, is rarely there.
  const syscall = libc.checked('syscall', [C_PARAMETER.LONG, C_PARAMETER.VARIADIC]);
  const keyctl = (operation: number, ...args: readonly Argument[]): number => {
    const five = [operation, ...args, 0, 0, 0].slice(0, 5);
    return syscall(numbers.keyctl, ...five.flatMap(typed));
  };

  return {
    /**
     * add_key(2) of type `user`. A key of that description in that keyring is written over, where its permissions allow it.
     *
     * @returns The key's serial number.
     * @throws KeyStoreError with errno: ENOSYS, EPERM or EACCES where keyrings cannot be used, EDQUOT where the user has too many keys.
     */
    addUserKey: (description: string, payload: Uint8Array, keyring: number): number =>
      syscall(
        numbers.addKey,
        ...['user', description, payload, payload.length, keyring].flatMap(typed),
      ),

    /** KEYCTL_SEARCH for a key of type `user`. @returns Its serial number; undefined where there is none. */
    findUserKey(description: string, keyring: number): number | undefined {
      try {
        return keyctl(KEYCTL_SEARCH, keyring, 'user', description);
      } catch (error) {
        if (hasErrno(error, ...NO_SUCH_KEY)) return undefined;
        throw error;
      }
    },

    /**
     * KEYCTL_READ into a buffer of the caller's.
     *
     * @returns How long the payload is. Longer than the buffer: nothing was written.
     * @throws KeyStoreError with errno: ENOKEY where it is gone, EACCES.
     */
    readKey: (key: number, target: Uint8Array): number =>
      keyctl(KEYCTL_READ, key, target, target.length),

    /** KEYCTL_SETPERM. @param permissions - Sum of KEY_POS_... and KEY_USR_... */
    setPermissions(key: number, permissions: number): void {
      keyctl(KEYCTL_SETPERM, key, permissions);
    },

    /**
     * KEYCTL_MOVE with KEYCTL_MOVE_EXCL, of Linux 5.3: a link to a key goes from one keyring to another that has no such key.
     *
     * @returns false where the other keyring has one of that type and description already: nothing changed.
     * @throws KeyStoreError NOT_SUPPORTED (EOPNOTSUPP) in an older kernel, or with errno.
     */
    moveKey(key: number, from: number, to: number): boolean {
      try {
        keyctl(KEYCTL_MOVE, key, from, to, KEYCTL_MOVE_EXCL);
        return true;
      } catch (error) {
        if (hasErrno(error, 'EEXIST')) return false;
        throw error;
      }
    },

    /** KEYCTL_UNLINK: a key with no link left is gone. */
    unlinkKey(key: number, keyring: number): void {
      keyctl(KEYCTL_UNLINK, key, keyring);
    },
  };
}

type Argument = number | string | Uint8Array;

/** An argument behind its type, as a variadic function wants it. */
function typed(argument: Argument): readonly unknown[] {
  if (typeof argument === 'number') return ['long', argument];
  return typeof argument === 'string' ? ['const char *', argument] : ['void *', argument];
}

const NO_SUCH_KEY = ['ENOKEY', 'EKEYEXPIRED', 'EKEYREVOKED'];

/** asm/unistd.h, asm/unistd_64.h of each processor; arm64, riscv64 and loong64 have asm-generic/unistd.h. */
const GENERIC = { addKey: 217, keyctl: 219 };
const SYSTEM_CALLS: Partial<Record<string, { readonly addKey: number; readonly keyctl: number }>> =
  {
    x64: { addKey: 248, keyctl: 250 },
    arm64: GENERIC,
    riscv64: GENERIC,
    loong64: GENERIC,
    ppc64: { addKey: 269, keyctl: 271 },
    s390x: { addKey: 278, keyctl: 280 },
    ia32: { addKey: 286, keyctl: 288 },
    arm: { addKey: 309, keyctl: 311 },
  };
