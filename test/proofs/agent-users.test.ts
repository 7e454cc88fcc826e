/** Real users at an agent's socket: the kernel says who they are, and the agent whom it lets in. */
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchangeKey } from '../support/agent.ts';
import { startAgentProcess, type AgentProcess } from '../support/agent-process.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import {
  publicFolder,
  throwAwayUser,
  type PublicFolder,
  type ThrowAwayUser,
} from '../support/throw-away-user.ts';

const run = promisify(execFile);

/** What children/agent-client.ts says. */
interface Outcome {
  readonly connect: string;
  readonly level: string;
  readonly use: string;
  readonly posture?: { readonly inMemory: string; readonly level: string };
}

describe.runIf(process.platform === 'linux' && process.geteuid?.() === 0)(
  'an agent of root',
  () => {
    let folder: TemporaryFolder;
    let place: PublicFolder;
    let program: string;
    let agent: AgentProcess;
    let [allowed, other]: ThrowAwayUser[] = [];
    beforeAll(async () => {
      [allowed, other] = [await throwAwayUser(), await throwAwayUser()];
      folder = await temporaryFolder();
      chmodSync(folder.path, 0o755);
      place = publicFolder();
      program = await place.bundle('proofs/children/agent-client.ts');
      agent = await startAgentProcess(folder.path, [0, allowed.uid]);
      const client = await agent.open();
      await exchangeKey(client, 'shared');
      await client.close();
    });
    afterAll(async () => {
      agent.child.kill('SIGKILL');
      await folder.remove();
      place.remove();
      await allowed?.remove();
      await other?.remove();
    });

    async function as(user: ThrowAwayUser | undefined): Promise<Outcome> {
      const [setpriv, ...rights] = user!.through;
      const command = [...rights, place.node, program, agent.socket, 'shared'];
      const { stdout } = await run(setpriv!, command, { cwd: place.path });
      return JSON.parse(stdout) as Outcome;
    }

    it('lets a user of its list in, who is told that his keys are with another user', async () => {
      const outcome = await as(allowed);
      expect(outcome).toMatchObject({ connect: 'none', level: 'agent, other user', use: 'none' });
      expect(outcome.posture).toMatchObject({
        inMemory: 'agent, other user',
        level: 'agent, other user',
      });
    });

    it('refuses a user who is not on it, tells him so, writes it down, and stays up', async () => {
      expect(await as(other)).toMatchObject({
        connect: 'AGENT_ACCESS_DENIED',
        use: 'AGENT_ACCESS_DENIED',
      });
      const lastLine = (): unknown =>
        JSON.parse(readFileSync(join(folder.path, 'audit.log'), 'utf8').split('\n').at(-2) ?? '{}');
      // Whoever is refused may know it before the line is written.
      await expect
        .poll(lastLine, { timeout: 30_000 })
        .toMatchObject({ op: 'connect', uid: other!.uid, outcome: 'AGENT_ACCESS_DENIED' });
      expect((await as(allowed)).use).toBe('none');
    });

    it('has a socket that its own user alone can reach, where nobody else is on its list', async () => {
      const own = await temporaryFolder();
      const lonely = await startAgentProcess(own.path);
      chmodSync(own.path, 0o755);
      const [setpriv, ...rights] = allowed!.through;
      const { stdout } = await run(
        setpriv!,
        [...rights, place.node, program, lonely.socket, 'shared'],
        { cwd: place.path },
      );
      expect(JSON.parse(stdout)).toMatchObject({ connect: 'AGENT_UNAVAILABLE' });
      await lonely.kill();
      await own.remove();
    });
  },
);
