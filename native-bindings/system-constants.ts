/** Constants of headers that kernel32 and the registry need. */

/** winnls.h: the system's ANSI code page. */
export const CP_ACP = 0;

/** winbase.h: how a wait ended; WAIT_TIMEOUT is winerror.h's. */
export const WAIT_OBJECT_0 = 0x0;
export const WAIT_ABANDONED = 0x80;
export const WAIT_TIMEOUT = 0x102;

/** winreg.h: the value has to be a string without references to variables. */
export const RRF_RT_REG_SZ = 0x2;

/** winreg.h: predefined keys, as 32 bits. */
export const HKEY_CURRENT_USER = 0x80000001;
export const HKEY_LOCAL_MACHINE = 0x80000002;
