/** Who is at the other end of a Unix socket: getsockopt(SO_PEERCRED) of Linux, getpeereid of macOS. */
import process from 'node:process';
import { C_PARAMETER, openLibC } from './libc.ts';
import { SO_PEERCRED, SOL_SOCKET } from './linux-constants.ts';
import { remember } from './remember.ts';

/** Who called connect(2), as the kernel noted it then. */
export interface PeerCredentials {
  readonly uid: number;
  readonly gid: number;
  /** undefined where the system does not tell it. */
  readonly pid: number | undefined;
}

/**
 * Reads the credentials of the peer of a connected Unix socket, by the socket's file descriptor; loaded once.
 *
 * The function throws KeyStoreError IO_FAILED (EBADF, ENOTSOCK, ENOTCONN) where the descriptor is no such socket.
 *
 * @throws KeyStoreError NOT_SUPPORTED on a system that is neither, MODULE_MISSING without koffi.
 */
export const loadPeerCredentials: () => Promise<(descriptor: number) => PeerCredentials> = remember(
  () => (process.platform === 'darwin' ? declareMacOs() : declareLinux()),
);

async function declareLinux(): Promise<(descriptor: number) => PeerCredentials> {
  const libc = await openLibC('linux');
  const { BYTES, INT } = C_PARAMETER;
  const getsockopt = libc.checked('getsockopt', [INT, INT, INT, BYTES, BYTES]);
  return (descriptor) => {
    // struct ucred (sys/socket.h): pid_t pid; uid_t uid; gid_t gid
    const ucred = new Uint32Array(3);
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, ucred, Uint32Array.of(ucred.byteLength));
    const [pid = 0, uid = 0, gid = 0] = ucred;
    // 0: a process that this one's namespace does not have.
    return { uid, gid, pid: pid === 0 ? undefined : pid };
  };
}

/** No test ran it: none of the machines that run them has macOS. */
async function declareMacOs(): Promise<(descriptor: number) => PeerCredentials> {
  const libc = await openLibC('darwin');
  const { BYTES, INT } = C_PARAMETER;
  const getpeereid = libc.checked('getpeereid', [INT, BYTES, BYTES]);
  return (descriptor) => {
    const uid = new Uint32Array(1);
    const gid = new Uint32Array(1);
    getpeereid(descriptor, uid, gid);
    return { uid: uid[0]!, gid: gid[0]!, pid: undefined };
  };
}
