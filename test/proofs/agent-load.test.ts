/** An agent under load: nothing is lost or mixed up, idle connections do not stop it, and its memory stays flat. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import type { IsolatedProvider } from '../../lib/providers/isolated/index.ts';
import { recordFor } from '../../lib/testing/provider/test-messages.ts';
import { exchangeKey, opens, suiteSigner } from '../support/agent.ts';
import { startAgentProcess, type AgentProcess } from '../support/agent-process.ts';
import { forkTest, race } from '../support/fork.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

/** `npm run test:slow` takes all; CI a tenth. */
const IS_SLOW = process.env['SLOW'] === '1';
const STATUS_REQUESTS = IS_SLOW ? 1_000_000 : 100_000;
const UNWRAPS = IS_SLOW ? 20_000 : 2000;
const IDLE = 10_000;
const MIB = 1 << 20;

let folder: TemporaryFolder;
let agent: AgentProcess;
let client: IsolatedProvider;
beforeAll(async () => {
  folder = await temporaryFolder();
  agent = await startAgentProcess(folder.path);
  raiseFileLimit(process.pid);
  raiseFileLimit(agent.child.pid!);
  client = await agent.open();
  await exchangeKey(client, 'load', 'RSA');
});
afterAll(async () => {
  await client.close();
  agent.child.kill('SIGKILL');
  await folder.remove();
});

describe('an agent', () => {
  it('answers 10,000 unwraps from 64 clients of two processes: none is lost, none is another’s', async () => {
    const key = await client.openKey('load', 'AT_KEYEXCHANGE');
    const tests = await Promise.all(Array.from({ length: 200 }, () => recordFor(key.publicKey)));
    const records = tests.map(({ record, sessionKey }) => ({
      bytes: toHex(record.parts.bytes),
      sessionKey: toHex(sessionKey),
    }));
    const work = join(folder.path, 'work.json');
    writeFileSync(
      work,
      JSON.stringify({ socket: agent.socket, clients: 32, unwraps: 5000, records }),
    );
    const publicKey = toHex((await suiteSigner()).publicKey);
    const children = await Promise.all(
      [1, 2].map(() =>
        forkTest('proofs/children/unwrap-clients.ts', [work, JSON.stringify({ publicKey })]),
      ),
    );
    expect(await race<number>(children)).toEqual([5000, 5000]);
  });

  it(`goes on beside ${IDLE} idle connections`, async () => {
    // Each process may have as many files open as the system lets it; the agent raised its own limit.
    const idle: Socket[] = [];
    for (let n = 0; n < IDLE; n += 500)
      idle.push(...(await Promise.all(Array.from({ length: 500 }, () => connected(agent.socket)))));
    const other = await agent.open();
    const { connections } = await other.status();
    expect(connections).toBeGreaterThanOrEqual(IDLE);
    expect(await opens(await other.openKey('load', 'AT_KEYEXCHANGE'))).toBe(true);
    await other.close();
    for (const socket of idle) socket.destroy();
    expect((await client.status()).pid).toBe(agent.child.pid);
  });

  it(`has flat memory over ${STATUS_REQUESTS} status requests and ${UNWRAPS} unwraps`, async () => {
    const key = await client.openKey('load', 'AT_KEYEXCHANGE');
    const test = await recordFor(key.publicKey);
    const work = async (statusRequests: number, unwraps: number): Promise<void> => {
      for (let n = 0; n < statusRequests; n += 100)
        await Promise.all(Array.from({ length: 100 }, () => client.status()));
      for (let n = 0; n < unwraps; n += 50)
        await Promise.all(Array.from({ length: 50 }, () => opens(key, test)));
    };
    // Until V8 has its code and its heap.
    await work(STATUS_REQUESTS / 5, UNWRAPS / 5);
    const before = [agent.memory(), process.memoryUsage.rss()];
    await work(STATUS_REQUESTS, UNWRAPS);
    const after = [agent.memory(), process.memoryUsage.rss()];
    expect(after[0]! - before[0]!).toBeLessThan(48 * MIB);
    expect(after[1]! - before[1]!).toBeLessThan(64 * MIB);
  });

  it('keeps no handles of clients that went away', async () => {
    for (let n = 0; n < 200; n++) {
      const guest = await agent.open();
      await guest.openKey('load', 'AT_KEYEXCHANGE');
      await guest.close();
    }
    expect((await client.status()).sessions).toBeLessThan(10);
  });
});

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.on('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

/** Where this is root; elsewhere Node has raised it as far as the system lets it. */
function raiseFileLimit(pid: number): void {
  const limit = `--nofile=${4 * IDLE}`;
  if (process.platform === 'linux') spawnSync('prlimit', ['--pid', String(pid), limit]);
}
