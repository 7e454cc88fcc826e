/** Which sockets a client believes: an attacker's is not connected to. */
import { chmod, chown, mkdir, realpath, rename, symlink, unlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openIsolatedProvider } from '../../../../lib/providers/isolated/index.ts';
import { requireTrustedSocket } from '../../../../lib/providers/isolated/trusted-socket.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../support/temporary-folder.ts';

const SOMEBODY = 54_321;

let folder: TemporaryFolder;
let server: Server;
let connections = 0;
beforeEach(async () => {
  folder = await temporaryFolder();
  connections = 0;
  server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    socket.resume();
    // Says nothing that a client could believe.
    socket.end(Uint8Array.of(0, 0, 0, 1, 0xc0));
  });
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await folder.remove();
});

const listen = (path: string) => new Promise<void>((resolve) => server.listen(path, resolve));
const codeAt = (socket: string, agentUser?: number) =>
  codeOfAsync(openIsolatedProvider({ socket, ...(agentUser !== undefined && { agentUser }) }));

describe.runIf(process.platform !== 'win32')('a client', () => {
  it('finds no agent where there is no socket, and none where nobody listens', async () => {
    const socket = join(folder.path, 'agent.sock');
    expect(await codeAt(socket)).toBe('AGENT_UNAVAILABLE');
    expect(await codeAt(join(socket, 'deeper'))).toBe('AGENT_UNAVAILABLE');
    await listen(socket);
    await rename(socket, `${socket}.kept`);
    await new Promise((resolve) => server.close(resolve));
    server = createServer().listen(join(folder.path, 'other'));
    expect(await codeAt(`${socket}.kept`)).toBe('AGENT_UNAVAILABLE');
  });

  it('refuses what can be no socket and no user before it looks', async () => {
    expect(await codeAt(join(folder.path, 'x'.repeat(120)))).toBe('PARAMETER_INVALID');
    expect(await codeAt('')).toBe('PARAMETER_INVALID');
    const socket = join(folder.path, 'agent.sock');
    await listen(socket);
    for (const agentUser of ['ann', -1, 1.5] as number[])
      expect(await codeAt(socket, agentUser)).toBe('PARAMETER_INVALID');
    const options = {} as Parameters<typeof openIsolatedProvider>[0];
    expect(await codeOfAsync(openIsolatedProvider(options))).toBe('PARAMETER_INVALID');
    expect(connections).toBe(0);
  });

  it('does not connect to what is no socket', async () => {
    await mkdir(join(folder.path, 'agent.sock'));
    expect(await codeAt(join(folder.path, 'agent.sock'))).toBe('AGENT_NOT_TRUSTED');
  });

  it('connects to one that is its own, and then refuses what is not the protocol', async () => {
    const socket = join(folder.path, 'agent.sock');
    await listen(socket);
    expect(await codeAt(socket)).toBe('AGENT_PROTOCOL');
    expect(connections).toBe(1);
  });

  it('does not connect where others may write to the folder, sticky or not', async () => {
    const socket = join(folder.path, 'agent.sock');
    await listen(socket);
    for (const mode of [0o777, 0o1777, 0o770, 0o702]) {
      await chmod(folder.path, mode);
      expect(await codeAt(socket)).toBe('AGENT_NOT_TRUSTED');
    }
    expect(connections).toBe(0);
  });

  it('does not connect where others may write to a folder above it', async () => {
    const inner = join(folder.path, 'inner');
    await mkdir(inner, { mode: 0o700 });
    await listen(join(inner, 'agent.sock'));
    await chmod(folder.path, 0o777);
    expect(await codeAt(join(inner, 'agent.sock'))).toBe('AGENT_NOT_TRUSTED');
    // As /tmp is: nobody moves what is not his.
    await chmod(folder.path, 0o1777);
    expect(await codeAt(join(inner, 'agent.sock'))).toBe('AGENT_PROTOCOL');
    expect(connections).toBe(1);
  });

  it('connects to what it looked at, wherever a link leads by then', async () => {
    const [real, link] = [join(folder.path, 'real'), join(folder.path, 'link')];
    await mkdir(real, { mode: 0o700 });
    await listen(join(real, 'agent.sock'));
    await symlink(real, link);
    const found = await requireTrustedSocket(join(link, 'agent.sock'));
    expect(found).toEqual({
      path: join(await realpath(real), 'agent.sock'),
      owner: process.geteuid?.(),
    });
    expect(await codeAt(join(link, 'agent.sock'))).toBe('AGENT_PROTOCOL');
    expect(connections).toBe(1);
  });
});

describe.runIf(process.geteuid?.() === 0)('a client, of sockets of others', () => {
  it('does not connect to a socket that an attacker put in the place of the agent’s', async () => {
    const socket = join(folder.path, 'agent.sock');
    await listen(socket);
    await chown(socket, SOMEBODY, SOMEBODY);
    expect(await codeAt(socket)).toBe('AGENT_NOT_TRUSTED');
    expect(connections).toBe(0);
  });

  it('does not connect where the folder is an attacker’s', async () => {
    const socket = join(folder.path, 'agent.sock');
    await listen(socket);
    await chown(folder.path, SOMEBODY, SOMEBODY);
    expect(await codeAt(socket)).toBe('AGENT_NOT_TRUSTED');
    expect(connections).toBe(0);
  });

  it('follows a link in the path, and looks at where it leads', async () => {
    const [theirs, link] = [join(folder.path, 'theirs'), join(folder.path, 'link')];
    await mkdir(theirs);
    await listen(join(theirs, 'agent.sock'));
    await chown(theirs, SOMEBODY, SOMEBODY);
    await symlink(theirs, link);
    expect(await codeAt(join(link, 'agent.sock'))).toBe('AGENT_NOT_TRUSTED');
    await unlink(link);
    await symlink(join(theirs, 'agent.sock'), link);
    expect(await codeAt(link)).toBe('AGENT_NOT_TRUSTED');
    expect(connections).toBe(0);
  });

  it('believes the configured user of the agent, and who does not run as the owner of his socket is no agent', async () => {
    const socket = join(folder.path, 'agent.sock');
    await listen(socket);
    await chown(folder.path, SOMEBODY, SOMEBODY);
    await chown(socket, SOMEBODY, SOMEBODY);
    expect(await codeAt(socket, SOMEBODY)).toBe('AGENT_PROTOCOL');
    expect(await codeAt(socket, SOMEBODY + 1)).toBe('AGENT_NOT_TRUSTED');
    expect(connections).toBe(1);
  });
});
