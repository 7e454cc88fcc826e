/** A home whose private keys are in an agent: made, opened, rotated, classic records, and what keycask.json keeps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { startTestAgent } from '../../support/agent.ts';
import { codeOfAsync } from '../../support/errors.ts';

describe('an isolated home', () => {
  it('keeps the agent’s socket in keycask.json, and no private key in its folder', async () => {
    await using server = await startTestAgent();
    const home = join(server.folder, 'home');
    const agent = { provider: 'isolated', agentSocket: server.socket } as const;
    await (await SessionKeyStore.create({ home, ...agent })).close();
    expect(JSON.parse(readFileSync(join(home, 'keycask.json'), 'utf8'))).toEqual({
      version: 1,
      ...agent,
    });
    await using store = await SessionKeyStore.open({ home });
    const sealed = await store.encrypt(Buffer.from('at rest'));
    expect(Buffer.from(await store.decrypt(sealed)).toString()).toBe('at rest');
  });

  it('of RSA opens classic records: its exchange key decrypts only', async () => {
    await using server = await startTestAgent();
    const home = join(server.folder, 'home');
    const options = { home, provider: 'isolated', agentSocket: server.socket } as const;
    await using store = await SessionKeyStore.create({ ...options, algorithm: 'rsa-2048' });
    const { id } = await store.createKey('classic', { profile: 'classic' });
    await using again = await SessionKeyStore.open({ home });
    using key = await again.openKey(id);
    expect(key.id).toBe(id);
  });

  it('says that the agent is not there, and that an agent goes with this provider only', async () => {
    const server = await startTestAgent();
    const home = join(server.folder, 'home');
    const agent = { agentSocket: server.socket };
    expect(await codeOfAsync(SessionKeyStore.create({ home, ...agent }))).toBe('PARAMETER_INVALID');
    await (await SessionKeyStore.create({ home, provider: 'isolated', ...agent })).close();
    await server.agent.close();
    expect(await codeOfAsync(SessionKeyStore.open({ home }))).toBe('AGENT_UNAVAILABLE');
    await server[Symbol.asyncDispose]();
  });

  it('gives a second home on the same agent a container of its own', async () => {
    await using server = await startTestAgent();
    const agent = { provider: 'isolated', agentSocket: server.socket } as const;
    await using one = await SessionKeyStore.create({ home: join(server.folder, 'one'), ...agent });
    await using two = await SessionKeyStore.create({ home: join(server.folder, 'two'), ...agent });
    const { id } = await one.createKey('a');
    expect(await codeOfAsync(two.openKey(id))).toBe('KEY_NOT_FOUND');
    using key = await one.openKey(id);
    expect(key.id).toBe(id);
  });
});
