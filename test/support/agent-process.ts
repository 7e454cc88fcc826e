/** Agents in processes of their own, for tests that kill them, load them, or look at them from another user. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../lib/bytes/octets.ts';
import { openIsolatedProvider, type IsolatedProvider } from '../../lib/providers/isolated/index.ts';
import { suiteSigner } from './agent.ts';
import { forkTest, go } from './fork.ts';

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly socket: string;
  open(): Promise<IsolatedProvider>;
  /** Bytes of memory that it holds (RSS). */
  memory(): number;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

export async function startAgentProcess(
  folder: string,
  users?: readonly number[],
): Promise<AgentProcess> {
  const { keyId, publicKey, certificate } = await suiteSigner();
  const signer = [keyId, publicKey, certificate].map(toHex);
  const orders = JSON.stringify({ folder, signer, ...(users && { users }) });
  const child = await forkTest('proofs/children/test-agent.ts', [orders]);
  go(child);
  const socket = join(folder, 'agent.sock');
  return {
    child,
    folder,
    socket,
    open: () => openIsolatedProvider({ socket }),
    memory: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+) kB/u.exec(status)?.[1]) * 1024;
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
