/** Who is at the other end of a connection, by the word of the kernel. */
import type { Socket } from 'node:net';
import process from 'node:process';
import { loadPeerCredentials } from '../../native-bindings/peer-credentials.ts';
import { KeyStoreError } from '../errors.ts';

/** Numbers of the process that connected, as they were when it did. */
export interface Peer {
  /** undefined where it cannot be had; `reason` says why. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** For the log only: another process may have that number by now. */
  readonly pid: number | undefined;
  /** Why nothing of it is known. */
  readonly reason?: string;
}

/**
 * The peer of a connection to a Unix socket.
 *
 * A process that passes the socket on to another one stays the peer. Members of a group are told by `gid` only where it is their first one.
 *
 * @param socket - Accepted by a server that listens on a path, and still open.
 * @returns On Windows a peer of which nothing is known: there the pipe's access list decides.
 * @throws KeyStoreError HANDLE_INVALID where the socket is closed or is none of a path, MODULE_MISSING without koffi, NOT_SUPPORTED on other
 *   systems than Linux and macOS, IO_FAILED with errno.
 */
export async function peerOf(socket: Socket): Promise<Peer> {
  if (process.platform === 'win32') return UNKNOWN_ON_WINDOWS;
  const read = await loadPeerCredentials();
  return read(descriptorOf(socket));
}

/**
 * Is asked before an agent listens: without it nobody could be let in.
 *
 * @throws KeyStoreError MODULE_MISSING without koffi, NOT_SUPPORTED on other systems than Linux, macOS and Windows.
 */
export async function requirePeers(): Promise<void> {
  if (process.platform !== 'win32') await loadPeerCredentials();
}

/** The number is asked for at the last moment: after a socket is closed, another file may have it. */
function descriptorOf(socket: Socket): number {
  // Node gives it no public name; it is what `net.Socket({ fd })` takes.
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null };
  const descriptor = handle?.fd;
  if (socket.destroyed || descriptor === undefined || descriptor < 0)
    throw new KeyStoreError('HANDLE_INVALID', 'the connection is closed, so nobody is there');
  // TCP has an address there, and no user.
  if (socket.remoteAddress !== undefined)
    throw new KeyStoreError('HANDLE_INVALID', 'the connection is not one to a Unix socket');
  return descriptor;
}

const UNKNOWN_ON_WINDOWS: Peer = {
  uid: undefined,
  gid: undefined,
  pid: undefined,
  reason: "Node's named pipes do not tell who connected: the pipe's access list decides who may",
};
