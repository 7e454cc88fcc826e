/** Who is at the other end of a socket: real sockets, real users. */
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { peerOf } from '../../../lib/agent/peer.ts';
import { Child } from '../../support/child-process.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { testAsRoot } from '../../support/permissions.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { publicFolder, throwAwayUser } from '../../support/throw-away-user.ts';

const hasPeers = process.platform === 'linux';

/** A server at `place`, and the next connection to it. */
async function listen(
  place: string | number,
): Promise<{ accepted: Promise<Socket>; port: number }> {
  const server = createServer();
  const listening = once(server, 'listening');
  if (typeof place === 'string') server.listen(place);
  else server.listen(place, '127.0.0.1');
  await listening;
  const accepted = once(server, 'connection').then(([socket]) => {
    onTestFinished(() => void (socket as Socket).destroy());
    return socket as Socket;
  });
  onTestFinished(() => void server.close());
  return { accepted, port: (server.address() as AddressInfo).port };
}

async function socketPath(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  chmodSync(folder.path, 0o755);
  return join(folder.path, 'socket');
}

describe.skipIf(!hasPeers)('the peer of a Unix socket', () => {
  test('is this process where it connects to itself', async () => {
    const path = await socketPath();
    const { accepted } = await listen(path);
    const client = connect(path);
    expect(await peerOf(await accepted)).toEqual({
      uid: process.getuid!(),
      gid: process.getgid!(),
      pid: process.pid,
    });
    client.destroy();
  });

  testAsRoot('is the process and the user that connected, whatever they say', async () => {
    const [folder, user] = [publicFolder(), await throwAwayUser()];
    onTestFinished(async () => {
      folder.remove();
      await user.remove();
    });
    const path = join(folder.path, 'socket');
    const { accepted } = await listen(path);
    chmodSync(path, 0o666);
    const program = await folder.bundle('unit/agent/children/connect.ts');
    const child = Child.run([...user.through, folder.node, program, path]);
    const socket = await accepted;
    const { uid, gid } = user;
    expect(await peerOf(socket)).toEqual({ uid, gid, pid: child.pid });
    socket.destroy();
    await child.ended;
  });

  test('is not to be had of a connection that was closed, or that came over TCP', async () => {
    const path = await socketPath();
    const { accepted } = await listen(path);
    const client = connect(path);
    const socket = await accepted;
    socket.destroy();
    expect(await codeOfAsync(peerOf(socket))).toBe('HANDLE_INVALID');
    client.destroy();
    const tcp = await listen(0);
    const other = connect(tcp.port, '127.0.0.1');
    expect(await codeOfAsync(peerOf(await tcp.accepted))).toBe('HANDLE_INVALID');
    other.destroy();
  });
});
