/** How long the path of a Unix socket may be. */
import process from 'node:process';
import { KeyStoreError } from '../errors.ts';

/**
 * Asked for before a socket is listened on or connected to: some systems cut a longer path, and use another socket.
 *
 * @throws KeyStoreError PARAMETER_INVALID
 */
export function requireSocketPath(path: string): void {
  if (process.platform === 'win32' || Buffer.byteLength(path) <= MAX_SOCKET_PATH) return;
  throw new KeyStoreError(
    'PARAMETER_INVALID',
    `${path}: the path of a socket has at most ${MAX_SOCKET_PATH} bytes`,
    { hint: 'Choose a shorter one.' },
  );
}

/** sockaddr_un of sys/un.h: 108 bytes in Linux, 104 in macOS, the last one zero. */
const MAX_SOCKET_PATH = process.platform === 'darwin' ? 103 : 107;
