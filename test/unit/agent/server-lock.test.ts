/** Locking an agent: by hand and when idle, and what comes back with the passphrase. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import type { AgentOptions } from '../../../lib/agent/index.ts';
import {
  openSoftwareProvider,
  passphraseProtector,
} from '../../../lib/providers/software/index.ts';
import { recordFor } from '../../../lib/testing/provider/test-messages.ts';
import { exchangeKey, opens, startTestAgent } from '../../support/agent.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { holdClock } from '../../support/held-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const secret = (text: string) => SecretBytes.copy(Buffer.from(text));
const COST = { memoryKiB: 8 * 1024, iterations: 1, parallelism: 1 };

/** An agent whose keys are sealed under a passphrase. */
async function startLockable(options: Partial<AgentOptions> = {}) {
  const folder = await temporaryFolder();
  const passphrase = secret('correct horse');
  const server = await startTestAgent({
    passphrase,
    openProvider: (parts) =>
      openSoftwareProvider({
        folder: join(folder.path, 'keys'),
        protector: passphraseProtector({ passphrase: parts.passphrase, cost: COST }),
        rsaThreads: parts.rsaThreads,
      }),
    ...options,
  });
  return { server, passphrase };
}

describe('a locked agent', () => {
  it('refuses with a code of its own, has wiped its passphrase, and goes on when unlocked', async () => {
    const { server, passphrase } = await startLockable();
    await using _ = server;
    const client = await server.open();
    const key = await exchangeKey(client);
    const ephemeral = await exchangeKey(client, null);
    const pending = await client.createPersistedKey('ECDSA_P256', 'unfinished', 'AT_SIGNATURE');
    expect(await opens(key)).toBe(true);
    await client.lock();
    expect(passphrase.disposed).toBe(true);
    expect((await client.status()).isLocked).toBe(true);
    for (const refused of [
      opens(key),
      client.openKey('archive', 'AT_KEYEXCHANGE'),
      exchangeKey(client, 'new'),
      key.getProperty('keyUsage'),
      key.delete(),
    ])
      expect(await codeOfAsync(refused)).toBe('AGENT_LOCKED');
    using wrong = secret('wrong horse');
    expect(await codeOfAsync(client.unlock(wrong))).toBe('PASSWORD_WRONG');
    expect(await codeOfAsync(opens(key))).toBe('AGENT_LOCKED');
    using right = secret('correct horse');
    await client.unlock(right);
    expect(await opens(key)).toBe(true);
    expect(await codeOfAsync(opens(ephemeral))).toBe('AGENT_KEY_GONE');
    expect(await codeOfAsync(pending.finalize())).toBe('AGENT_KEY_GONE');
    await client.unlock(right);
  });

  it('welcomes new clients, who can unlock it', async () => {
    const { server } = await startLockable();
    await using _ = server;
    await exchangeKey(await server.open());
    await server.agent.lock();
    const client = await server.open();
    expect((await client.status()).isLocked).toBe(true);
    using right = secret('correct horse');
    await client.unlock(right);
    expect(await opens(await client.openKey('archive', 'AT_KEYEXCHANGE'))).toBe(true);
  });

  it('is what an agent becomes when no private key is used for a while; asking for its status is no use', async () => {
    const clock = holdClock();
    const { server } = await startLockable({ idleLockMs: 600 });
    await using _ = server;
    const client = await server.open();
    const key = await exchangeKey(client);
    const test = await recordFor(key.publicKey);
    for (let n = 0; n < 6; n++) {
      clock.advance(200);
      // So that the agent looks at the clock meanwhile.
      await sleep(200);
      expect(await opens(key, test)).toBe(true);
    }
    for (let n = 0; n < 8; n++) {
      clock.advance(150);
      await client.status();
    }
    while (!(await client.status()).isLocked) await sleep(20);
    expect(await codeOfAsync(opens(key, test))).toBe('AGENT_LOCKED');
  });
});
