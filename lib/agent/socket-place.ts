/** The place of the agent's socket: a folder that nobody else can put another socket into. */
import { createConnection, type Server } from 'node:net';
import { chmod, lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeyStoreError } from '../errors.ts';
import { unlinkIfThere } from '../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { requireSocketPath } from '../platform/socket-path.ts';

/**
 * Makes the folder, and removes the socket that an agent which was killed has left.
 *
 * @param isShared - Do other users connect? Then they may enter a folder that is made here.
 * @throws KeyStoreError AGENT_NOT_TRUSTED where others could replace the socket, FILE_EXISTS where an agent answers there already, and what the file system says.
 */
export async function prepareSocketPlace(socket: string, isShared: boolean): Promise<void> {
  if (process.platform === 'win32') return;
  requireSocketPath(socket);
  const folder = dirname(socket);
  await withFsErrors(folder, async () => {
    await makeFolder(folder, isShared ? 0o755 : 0o700);
    const { uid, mode } = await stat(folder);
    const mine = process.geteuid!();
    if ((uid !== mine && uid !== 0) || (mode & 0o022) !== 0)
      throw new KeyStoreError(
        'AGENT_NOT_TRUSTED',
        `${folder}: somebody else could put another socket there`,
        { hint: 'The folder has to be yours, and writable by you alone: chmod 700.' },
      );
  });
  await removeStale(socket);
}

/** Listens on the path, with a socket that its owner alone, or everybody, may connect to. */
export async function listenOn(server: Server, socket: string, isShared: boolean): Promise<void> {
  await withFsErrors(socket, async () => {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: socket, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    // Who connects is told by the kernel; these bits alone would not do.
    if (process.platform !== 'win32') await chmod(socket, isShared ? 0o666 : 0o600);
  });
}

async function removeStale(socket: string): Promise<void> {
  await withFsErrors(socket, async () => {
    let isSocket: boolean;
    try {
      isSocket = (await lstat(socket)).isSocket();
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return;
      throw error;
    }
    if (!isSocket) throw new KeyStoreError('FILE_EXISTS', `${socket} is there, and is no socket`);
    if (await answers(socket))
      throw new KeyStoreError('FILE_EXISTS', `an agent answers at ${socket} already`, {
        hint: 'Stop it first: `keycask agent stop`.',
      });
    await unlinkIfThere(socket);
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    const settle = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', (error) => settle(!isFsError(error, 'ECONNREFUSED', 'ENOENT')));
  });
}

/** Clients that connect at once; the system may take fewer. */
const BACKLOG = 4096;
