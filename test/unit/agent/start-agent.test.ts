/** What an agent refuses before it opens a key. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { AgentOptions } from '../../../lib/agent/options.ts';
import { startAgent } from '../../../lib/agent/start-agent.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

vi.mock('../../../native-bindings/peer-credentials.ts', () => ({
  loadPeerCredentials: () => Promise.reject(new KeyStoreError('MODULE_MISSING')),
}));

async function optionsWith(opened: () => void): Promise<AgentOptions> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  return {
    socket: join(folder.path, 'agent.sock'),
    openProvider: () => {
      opened();
      throw new Error('not to be called');
    },
  };
}

test.runIf(process.platform !== 'win32')(
  'without koffi an agent does not start: it could tell nobody who connects',
  async () => {
    const opened = vi.fn<() => void>();
    const options = await optionsWith(opened);
    expect(await codeOfAsync(startAgent(options))).toBe('MODULE_MISSING');
    expect(opened).not.toHaveBeenCalled();
    expect(existsSync(options.socket)).toBe(false);
  },
);

test('an agent without a socket or without keys is a wrong parameter', async () => {
  const { socket, openProvider } = await optionsWith(() => undefined);
  for (const options of [{}, { socket }, { openProvider }, { socket: '', openProvider }])
    expect(await codeOfAsync(startAgent(options as AgentOptions))).toBe('PARAMETER_INVALID');
});
