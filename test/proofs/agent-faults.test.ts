/** Agents that are killed: what their clients see, and that nothing is done twice. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IsolatedProvider } from '../../lib/providers/isolated/index.ts';
import { message, recordFor } from '../../lib/testing/provider/test-messages.ts';
import { exchangeKey, opens, signatureKey } from '../support/agent.ts';
import { startAgentProcess, type AgentProcess } from '../support/agent-process.ts';
import { codeOfAsync } from '../support/errors.ts';
import { losingProxy, type LosingProxy } from '../support/losing-socket.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
let agent: AgentProcess;
const clients: IsolatedProvider[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
  agent = await startAgentProcess(folder.path);
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  agent.child.kill('SIGKILL');
  await folder.remove();
});

async function connect(): Promise<IsolatedProvider> {
  const client = await agent.open();
  clients.push(client);
  return client;
}

async function restart(): Promise<void> {
  await agent.kill();
  agent = await startAgentProcess(folder.path);
}

describe('an agent that was killed and started again', () => {
  it('is connected to again: named keys go on, ephemeral and unfinished ones are gone, and say so', async () => {
    const client = await connect();
    const named = await exchangeKey(client);
    const signature = await signatureKey(client);
    const ephemeral = await exchangeKey(client, null);
    const pending = await client.createPersistedKey('ECDSA_P256', 'unfinished', 'AT_SIGNATURE');
    await restart();
    expect(await opens(named)).toBe(true);
    await signature.sign(message('ecdsa-sha256'));
    expect(await codeOfAsync(opens(ephemeral))).toBe('AGENT_KEY_GONE');
    expect(await codeOfAsync(pending.finalize())).toBe('AGENT_KEY_GONE');
    expect((await client.status()).isLocked).toBe(false);
  });

  it('has to have the same key under the name', async () => {
    const client = await connect();
    const key = await exchangeKey(client);
    await restart();
    const other = await connect();
    await (await other.openKey('archive', 'AT_KEYEXCHANGE')).delete();
    await exchangeKey(other);
    expect(await codeOfAsync(opens(key))).toBe('AGENT_KEY_GONE');
    expect(await codeOfAsync(opens(key))).toBe('HANDLE_INVALID');
  });

  it('in the middle of many requests loses none that can be asked again', async () => {
    const client = await connect();
    const key = await exchangeKey(client, 'archive', 'RSA');
    const tests = await Promise.all(Array.from({ length: 200 }, () => recordFor(key.publicKey)));
    const codes = Promise.all(tests.map((test) => codeOfAsync(opens(key, test))));
    await sleep(20);
    await restart();
    expect(new Set(await codes)).toEqual(new Set(['none']));
  });

  it('in the middle of a change leaves the client in no doubt that there is a doubt', async () => {
    const client = await connect();
    const pending = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const key = await client.createPersistedKey('RSA', `key ${n}`, 'AT_KEYEXCHANGE');
        await key.setProperty('length', 4096);
        return key;
      }),
    );
    const made = pending.map((key) => codeOfAsync(key.finalize()));
    // All are asked for, and so many primes take seconds.
    await sleep(300);
    await restart();
    const codes = await Promise.all(made);
    const names = new Set<string>();
    for await (const { name } of client.listKeys()) names.add(name);
    expect(codes).toContain('AGENT_OUTCOME_UNKNOWN');
    for (const [n, code] of codes.entries()) {
      expect(['none', 'AGENT_OUTCOME_UNKNOWN', 'AGENT_KEY_GONE']).toContain(code);
      // Of what was answered there is no doubt.
      expect(code !== 'none' || names.has(`key ${n}`)).toBe(true);
      expect(code !== 'AGENT_KEY_GONE' || !names.has(`key ${n}`)).toBe(true);
    }
  });

  it('and does not come back is told within the time that one waits for it', async () => {
    const client = await connect();
    const key = await exchangeKey(client);
    await agent.kill();
    const start = performance.now();
    expect(await codeOfAsync(opens(key))).toBe('AGENT_UNAVAILABLE');
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

describe('a connection that breaks, while the agent lives', () => {
  let proxy: LosingProxy;
  let client: IsolatedProvider;
  beforeEach(async () => {
    proxy = await losingProxy(agent.socket, folder.path);
    client = await proxy.open();
    clients.push(client);
  });
  afterEach(() => proxy.close());

  it('loses no handle, not even of an ephemeral key', async () => {
    const ephemeral = await exchangeKey(client, null);
    const pending = await client.createPersistedKey('ECDSA_P256', null, 'AT_SIGNATURE');
    proxy.breakAll();
    expect(await opens(ephemeral)).toBe(true);
    proxy.breakAll();
    await pending.finalize();
  });

  it('after a change was done, and before its answer came, has it done once', async () => {
    const key = await exchangeKey(client);
    const other = await connect();
    for (let n = 0; n < 5; n++) {
      // The answer is lost; the request comes again, and is answered from memory.
      proxy.loseNextAnswer();
      const pending = client.createPersistedKey('ECDSA_P256', `once ${n}`, 'AT_SIGNATURE');
      const made = await (await pending).finalize();
      proxy.loseNextAnswer();
      const seen = await other.openKey(`once ${n}`, 'AT_SIGNATURE');
      expect(seen.publicKey).toEqual(made.publicKey);
      // Were it done twice, the second time would find nothing.
      await made.delete();
    }
    proxy.loseNextAnswer();
    await key.setProperty('custom:x', Uint8Array.of(1));
    expect(proxy.lost).toBeGreaterThan(8);
    // The last line of all: when it is written, the others are.
    await key.delete();
    const lines = () => readFileSync(`${folder.path}/audit.log`, 'utf8').split('\n');
    const count = (op: string) =>
      lines().filter((line) => line.includes(`"op":"${op}"`) && line.includes('"outcome":"ok"'))
        .length;
    await expect.poll(() => count('delete'), { timeout: 30_000 }).toBe(6);
    expect([count('create'), count('delete'), count('change')]).toEqual([6, 6, 1]);
  });

  it('and whose export was lost says that it may have been given out', async () => {
    const key = await exchangeKey(client);
    proxy.loseNextAnswer();
    // Not allowed here, but that answer was lost.
    expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('AGENT_OUTCOME_UNKNOWN');
  });
});
