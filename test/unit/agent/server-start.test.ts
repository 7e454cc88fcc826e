/** The moment at which an agent's socket is there and its start has not come to its end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openIsolatedProvider } from '../../../lib/providers/isolated/index.ts';
import { startTestAgent } from '../../support/agent.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

// A busy machine lets clients in here: the socket listens, and whoever started it has not been told yet.
const start = vi.hoisted(() => {
  let goOn: () => void = () => undefined;
  const mayEnd = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  return { mayEnd, goOn };
});
vi.mock(import('../../../lib/agent/socket-place.ts'), async (original) => {
  const actual = await original();
  return {
    ...actual,
    listenOn: async (...parameters) => {
      await actual.listenOn(...parameters);
      await start.mayEnd;
    },
  };
});

test.runIf(process.platform !== 'win32')(
  'a client that comes at once is told the status, and is no mistake of keycask',
  async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    const socket = join(folder.path, 'agent.sock');
    const starting = startTestAgent({ socket });
    while (!existsSync(socket)) await sleep(1);
    const client = await openIsolatedProvider({ socket });
    const { pid, connections } = await client.status();
    expect({ pid, connections }).toEqual({ pid: process.pid, connections: 0 });
    start.goOn();
    await using agent = await starting;
    expect((await client.status()).connections).toBe(1);
    await client.close();
    expect(agent.agent.socket).toBe(socket);
  },
);
