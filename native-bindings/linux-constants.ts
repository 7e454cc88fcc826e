/** Numbers of Linux' headers; test/unit/native-bindings and test/unit/agent show what each does. */

// linux/prctl.h
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;

// sys/resource.h
export const RLIMIT_CORE = 4;

// sys/socket.h
export const SOL_SOCKET = 1;
export const SO_PEERCRED = 17;

// linux/keyctl.h
export const KEY_SPEC_THREAD_KEYRING = -1;
export const KEY_SPEC_USER_KEYRING = -4;
export const KEYCTL_SETPERM = 5;
export const KEYCTL_UNLINK = 9;
export const KEYCTL_SEARCH = 10;
export const KEYCTL_READ = 11;
export const KEYCTL_MOVE = 30;
export const KEYCTL_MOVE_EXCL = 0x00000001;

// keyutils.h (linux/key.h), for its possessor and for its user
export const KEY_POS_VIEW = 0x01000000;
export const KEY_POS_READ = 0x02000000;
export const KEY_POS_SEARCH = 0x08000000;
export const KEY_POS_LINK = 0x10000000;
export const KEY_USR_VIEW = 0x00010000;
export const KEY_USR_READ = 0x00020000;
export const KEY_USR_SEARCH = 0x00080000;
