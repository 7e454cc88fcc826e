/** What strangers and broken clients send to an agent: a clear error, and the agent stays up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../lib/agent-protocol/frames.ts';
import { encodeRequest } from '../../../lib/agent-protocol/index.ts';
import { rawClient, startTestAgent, type TestAgent } from '../../support/agent.ts';

const HELLO = { protocol: 'keycask-agent', versions: [1], session: new Uint8Array(16) } as const;
const TIMEOUT_MS = 400;
let server: TestAgent;
beforeAll(async () => {
  server = await startTestAgent({ limits: { frameTimeoutMs: TIMEOUT_MS } });
});
afterAll(() => server[Symbol.asyncDispose]());

/** What the agent says of it before it ends the connection. */
async function refusalOf(...pieces: readonly Uint8Array[]) {
  const client = rawClient(server.socket);
  for (const piece of pieces) client.send(piece);
  await client.ended;
  return client.answers.at(-1)?.error;
}

async function isUp(): Promise<boolean> {
  const client = await server.open();
  const { pid } = await client.status();
  await client.close();
  return pid === process.pid;
}

describe('an agent refuses, says why, and stays up', () => {
  it('a length of 4 GiB, before it allocates for it', async () => {
    const before = process.memoryUsage().rss;
    const error = await refusalOf(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    expect(error?.code).toBe('AGENT_PROTOCOL');
    expect(error?.message).toContain('4294967295');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
    expect(await isUp()).toBe(true);
  });

  it('a length of 4 GiB after hello', async () => {
    const client = rawClient(server.socket);
    await client.hello();
    client.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    await client.ended;
    expect(client.answers.at(-1)?.error?.message).toContain('4294967295');
  });

  it('half a frame, when its time is over', async () => {
    const hello = encodeRequest({ id: 0, op: 'hello', arguments: HELLO });
    const start = performance.now();
    const error = await refusalOf(hello.subarray(0, 9));
    expect(error?.code).toBe('AGENT_PROTOCOL');
    expect(error?.message).toContain('hello did not come');
    expect(performance.now() - start).toBeGreaterThan(TIMEOUT_MS / 2);
    const client = rawClient(server.socket);
    await client.hello();
    client.send(Uint8Array.of(0, 0, 1, 0, 1, 2, 3));
    await client.ended;
    expect(client.answers.at(-1)?.error?.message).toContain('the rest of a frame');
  });

  it('a client that says nothing, but not one that has said hello', async () => {
    const polite = rawClient(server.socket);
    await polite.hello();
    expect((await refusalOf())?.message).toContain('hello did not come');
    await sleep(2 * TIMEOUT_MS);
    expect(polite.socket.destroyed).toBe(false);
    polite.socket.destroy();
  });

  it('a body before hello that is longer than a hello', async () => {
    expect((await refusalOf(Uint8Array.of(0, 0, 4, 1)))?.code).toBe('AGENT_PROTOCOL');
  });

  it.each([
    ['no MessagePack', encodeFrame(new Uint8Array(20).fill(0xc1))],
    ['a request before hello', encodeRequest({ id: 1, op: 'status', arguments: {} })],
    ['hello under another number', encodeRequest({ id: 1, op: 'hello', arguments: HELLO })],
    [
      'another protocol',
      encodeRequest({ id: 0, op: 'hello', arguments: { ...HELLO, protocol: 'ssh-agent' } }),
    ],
    [
      'a version that it does not speak',
      encodeRequest({ id: 0, op: 'hello', arguments: { ...HELLO, versions: [2, 3] } }),
    ],
    [
      'a session whose name is too short',
      encodeRequest({ id: 0, op: 'hello', arguments: { ...HELLO, session: new Uint8Array(15) } }),
    ],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('%s', async (_, bytes) => {
    expect((await refusalOf(bytes))?.code).toBe('AGENT_PROTOCOL');
    expect(await isUp()).toBe(true);
  });

  it('a second hello', async () => {
    const client = rawClient(server.socket);
    await client.hello();
    client.send(encodeRequest({ id: 0, op: 'hello', arguments: HELLO }));
    await client.ended;
    expect(client.answers.at(-1)?.error?.code).toBe('AGENT_PROTOCOL');
  });

  it('nobody for being busy: a hello that is there when its time is over is read first', async () => {
    const watcher = await server.open();
    const { connections } = await watcher.status();
    const client = rawClient(server.socket);
    while ((await watcher.status()).connections === connections) await sleep(5);
    const hello = client.hello();
    // A machine that has no time for this process.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * TIMEOUT_MS);
    expect((await hello).error).toBeUndefined();
    client.socket.destroy();
    await watcher.close();
  });

  it('of two versions takes the one that it speaks', async () => {
    const client = rawClient(server.socket);
    const answer = await client.request({
      id: 0,
      op: 'hello',
      arguments: { ...HELLO, versions: [9, 1] },
    });
    expect(answer.result).toMatchObject({ version: 1, resumed: false, provider: 'software' });
    client.socket.destroy();
  });
});

describe('an agent', () => {
  it('answers what came in one piece and what came byte by byte alike', async () => {
    const client = rawClient(server.socket);
    const hello = client.next();
    for (const byte of encodeRequest({
      id: 0,
      op: 'hello',
      arguments: { ...HELLO, session: new Uint8Array(16).fill(0xee) },
    }))
      client.send(Uint8Array.of(byte));
    expect((await hello).error).toBeUndefined();
    const requests = Array.from({ length: 50 }, (_, n) =>
      encodeRequest({ id: n + 1, op: 'status', arguments: {} }),
    );
    const all = Promise.all(requests.map(() => client.next()));
    client.send(Buffer.concat(requests));
    expect((await all).map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(
      requests.map((_, n) => n + 1),
    );
    client.socket.destroy();
  });

  it('lets a client ask with a handle of another client for nothing', async () => {
    const owner = await server.open();
    const pending = await owner.createPersistedKey('ECDSA_P256', null, 'AT_SIGNATURE');
    await pending.finalize();
    const client = rawClient(server.socket);
    await client.hello();
    for (const handle of [0, 1, 2, 3]) {
      const { error } = await client.request({
        id: handle + 1,
        op: 'getProperty',
        arguments: { handle, property: 'posture' },
      });
      expect(error?.code).toBe('HANDLE_INVALID');
    }
    client.socket.destroy();
  });

  it('closes the connection that was idle longest where there are more than it keeps, and that client goes on', async () => {
    await using small = await startTestAgent({ limits: { connections: 4 } });
    const first = await small.open();
    const key = await (
      await first.createPersistedKey('ECDSA_P256', null, 'AT_SIGNATURE')
    ).finalize();
    const others = [];
    for (let n = 0; n < 8; n++) others.push(await small.open());
    expect((await others.at(-1)!.status()).connections).toBe(4);
    // Ephemeral: its handle is still there, since the session is.
    expect(await key.getProperty('keyUsage')).toEqual(['sign']);
  });
});
