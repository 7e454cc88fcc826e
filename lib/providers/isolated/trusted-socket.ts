/** Looks whether a socket is an agent's that may be believed, before anything is sent to it. */
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KeyStoreError } from '../../errors.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';

export interface TrustedSocketOptions {
  /** Number of the user that the agent runs as, where it is neither this one nor root. */
  readonly agentUser?: number | undefined;
}

/** A socket that was looked at. */
interface TrustedSocket {
  /** Without links. */
  readonly path: string;
  /** The user that it belongs to; undefined on Windows, where the pipe's access list says who may answer there. */
  readonly owner: number | undefined;
}

/**
 * The socket has to belong to this user, to root, or to the agent's user; so has every folder above it, and nobody else may be able to put
 * another socket in its place. A link is followed to where it leads, and that is looked at, and has to be connected to: where the link leads
 * by then is for its owner to say.
 *
 * @throws KeyStoreError AGENT_UNAVAILABLE where there is no socket, AGENT_NOT_TRUSTED.
 */
export async function requireTrustedSocket(
  path: string,
  { agentUser }: TrustedSocketOptions = {},
): Promise<TrustedSocket> {
  if (process.platform === 'win32') return { path, owner: undefined };
  const trusted = new Set([process.geteuid!(), ROOT]);
  if (agentUser !== undefined) trusted.add(agentUser);
  return withFsErrors(path, async () => {
    let folder: string;
    let resolved: string;
    let owner: number;
    try {
      folder = await realpath(dirname(path));
      resolved = join(folder, basename(path));
      const socket = await lstat(resolved);
      if (!socket.isSocket()) throw refused(`${path} is no socket`);
      owner = socket.uid;
    } catch (error) {
      if (isFsError(error, 'ENOENT', 'ENOTDIR'))
        throw new KeyStoreError('AGENT_UNAVAILABLE', `${path}: there is no agent's socket`);
      throw error;
    }
    if (!trusted.has(owner)) throw refused(`${path} belongs to user ${owner}`);
    for (let above = folder; ; above = dirname(above)) {
      await requireTrustedFolder(above, above === folder, trusted);
      if (above === dirname(above)) return { path: resolved, owner };
    }
  });
}

/** @param isOwn - Does the socket lie in it? In the folders above, a sticky one like /tmp lets nobody move what is not his. */
async function requireTrustedFolder(
  path: string,
  isOwn: boolean,
  trusted: ReadonlySet<number>,
): Promise<void> {
  const { uid, mode } = await stat(path);
  if (!trusted.has(uid)) throw refused(`${path} belongs to user ${uid}`);
  const isSticky = (mode & STICKY) !== 0 && !isOwn;
  if ((mode & OTHERS_WRITE) !== 0 && !isSticky)
    throw refused(`${path}: others may write to this folder`);
}

function refused(why: string): KeyStoreError {
  return new KeyStoreError(
    'AGENT_NOT_TRUSTED',
    `${why}: somebody else could answer in the agent's place`,
  );
}

const ROOT = 0;
const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;
