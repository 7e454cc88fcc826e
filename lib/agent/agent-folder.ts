/** AgentFolder: what an agent keeps, and where. It is apart from every home: the homes of its clients have no private keys. */
import { lchown, lstat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';

export class AgentFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Settings: what the agent is started with. */
  get configuration(): string {
    return join(this.path, 'agent.json');
  }

  /** Sealed private keys of the software provider. */
  get keys(): string {
    return join(this.path, 'keys');
  }

  /** Certificates of signers whose records are opened. */
  get trust(): string {
    return join(this.path, 'trust');
  }

  /** A line for each use of a private key. */
  get audit(): string {
    return join(this.path, 'audit.log');
  }

  /** What answers to failed legacy blobs are made with. */
  get legacySecret(): string {
    return join(this.path, 'legacy-secret');
  }

  /** What an agent in the background says. */
  get log(): string {
    return join(this.path, 'agent.log');
  }

  /** @throws KeyStoreError as {@link AgentFolder.requireOwn}: nothing is made in a folder that is somebody else's, or something else's. */
  async create(): Promise<void> {
    await withFsErrors(this.path, () => makeFolder(this.path, 0o700));
    await requireOwn([this.path]);
    for (const folder of [this.keys, this.trust])
      await withFsErrors(folder, () => makeFolder(folder, 0o700));
  }

  /**
   * Whoever may write here decides whom the agent trusts.
   *
   * @throws KeyStoreError PERMISSION_DENIED where it is not this user's (or root's), or others may write to it; FILE_WRONG_TYPE.
   */
  requireOwn(): Promise<void> {
    return requireOwn([this.path, this.keys, this.trust]);
  }

  /** What root writes here has to be readable by the agent. */
  async giveToOwner(path: string): Promise<void> {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await withFsErrors(this.path, () => lstat(this.path));
    if (uid !== 0) await withFsErrors(path, () => lchown(path, uid, gid));
  }

  /** The user that the agent runs as: whose the folder is. undefined on Windows, and where there is none yet. */
  async owner(): Promise<number | undefined> {
    if (process.platform === 'win32') return undefined;
    return lstat(this.path).then(
      ({ uid }) => uid,
      () => undefined,
    );
  }
}

async function requireOwn(folders: readonly string[]): Promise<void> {
  if (process.platform === 'win32') return;
  const { uid } = userInfo();
  for (const path of folders) {
    const facts = await withFsErrors(path, () => lstat(path));
    if (!facts.isDirectory()) throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a folder`);
    if (facts.uid !== uid || (facts.mode & 0o077) !== 0)
      throw new KeyStoreError(
        'PERMISSION_DENIED',
        `${path} has to belong to the agent's user alone (user ${uid}, mode 0700)`,
        { hint: `chown -R and chmod 700 it, or choose another folder with --folder.` },
      );
  }
}
