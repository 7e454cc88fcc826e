/** keycask agent stop, status, lock, unlock: what is asked of a running agent. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import {
  isProtectionLevel,
  PROTECTION_LEVELS,
  type ProtectionLevel,
} from '../../contracts/protection-level.ts';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import type { AgentStatus, IsolatedProvider } from '../../providers/isolated/index.ts';
import {
  addressOf,
  connect,
  type AgentAddress,
  type AgentSocketOptions,
} from '../agent-connection.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { examples } from '../options.ts';
import { socketOption } from './agent-options.ts';

interface UnlockOptions extends AgentSocketOptions {
  readonly withoutPassphrase?: boolean;
}

/** How long an agent may take to finish what it is at. */
const STOP_TAKES_MS = 10_000;

export function addAgentControl(group: Command, invocation: Invocation): void {
  addAgentStop(group, invocation);
  addAgentStatus(group, invocation);
  addAgentLock(group, invocation);
  addAgentUnlock(group, invocation);
}

function addAgentStop(group: Command, invocation: Invocation): void {
  const command = group
    .command('stop')
    .summary('stop the agent')
    .description('Stop the agent: it finishes what it is at, and wipes its keys.')
    .addOption(socketOption())
    .addOption(agentUserOption())
    .action(
      action<AgentSocketOptions>(invocation, async (context) => {
        const address = await addressOf(context);
        const { pid } = await statusToStop(address);
        signal(pid);
        await waitUntilGone(address);
        context.output.result({ pid, stopped: true }, 'stopped');
      }),
    );
  examples(command, 'keycask agent stop');
}

function addAgentStatus(group: Command, invocation: Invocation): void {
  const command = group
    .command('status')
    .summary('what the agent is, and who could read its keys')
    .description('Tell what the agent is, who could read its keys, and what it has done.')
    .addOption(socketOption())
    .addOption(agentUserOption())
    .action(
      action<AgentSocketOptions>(invocation, async (context) => {
        const address = await addressOf(context);
        await using agent = await connect(address);
        await print(context, address, {
          status: await agent.status(),
          place: agent.capabilities.protectionLevel,
        });
      }),
    );
  examples(command, 'keycask agent status');
}

function addAgentLock(group: Command, invocation: Invocation): void {
  const command = group
    .command('lock')
    .summary('close its keys and forget its passphrase')
    .description('Close its keys and forget its passphrase, for all its clients.')
    .addOption(socketOption())
    .addOption(agentUserOption())
    .action(
      action<AgentSocketOptions>(invocation, async (context) => {
        await using agent = await connect(await addressOf(context));
        await agent.lock();
        context.output.result({ locked: true }, 'locked');
      }),
    );
  examples(command, 'keycask agent lock');
}

function addAgentUnlock(group: Command, invocation: Invocation): void {
  const command = group
    .command('unlock')
    .summary('give it its passphrase or PIN')
    .description('Give the agent its passphrase, or the PIN of its token.')
    .option('--without-passphrase', 'of an agent whose keys lie under a machine secret')
    .addOption(socketOption())
    .addOption(agentUserOption())
    .action(
      action<UnlockOptions>(invocation, async (context) => {
        await using agent = await connect(await addressOf(context));
        const { isLocked, provider } = await agent.status();
        if (isLocked) await unlock(context, agent, provider);
        context.output.result({ locked: false }, 'unlocked');
        if (!isLocked)
          context.output.note('It was not locked: nothing was asked for, or looked at.');
      }),
    );
  examples(command, 'keycask agent unlock');
}

// oxlint-disable-next-line max-params -- who asks, who is asked, and what it has
async function unlock(
  context: CommandContext<UnlockOptions>,
  agent: IsolatedProvider,
  provider: string,
): Promise<void> {
  const { withoutPassphrase = false } = context.options;
  // A token has a PIN.
  const ask = provider === 'pkcs11' ? context.askPin : context.askPassphrase;
  using secret = withoutPassphrase ? new SecretBytes(0) : await ask().catch(orWithout(provider));
  try {
    await agent.unlock(secret);
  } catch (error) {
    if (!withoutPassphrase || !KeyStoreError.is(error) || error.code !== 'PASSWORD_WRONG')
      throw error;
    throw new KeyStoreError('PASSWORD_WRONG', 'the keys of this agent do not open without one', {
      hint: 'Leave --without-passphrase out.',
    });
  }
}

/** Who locked an agent that has no passphrase is told how it opens again. */
function orWithout(provider: string): (error: unknown) => never {
  return (error) => {
    if (provider === 'pkcs11' || !KeyStoreError.is(error) || error.code !== 'PASSWORD_REQUIRED')
      throw error;
    throw new KeyStoreError('PASSWORD_REQUIRED', error.message, {
      hint: 'Give --passphrase-file FILE or KEYCASK_PASSPHRASE; where its keys lie under a machine secret, --without-passphrase.',
    });
  };
}

function agentUserOption(): Option {
  return new Option(
    '--agent-user <user>',
    'user that the agent runs as: its socket has to be his (default: you, root, or that of an installed agent)',
  );
}

async function statusOf(address: AgentAddress): Promise<AgentStatus> {
  await using agent = await connect(address);
  return agent.status();
}

/** Root is no user of an agent unless it was named, and may end any process. */
async function statusToStop(address: AgentAddress): Promise<AgentStatus> {
  try {
    return await statusOf(address);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'AGENT_ACCESS_DENIED') throw error;
    throw new KeyStoreError(error.code, error.message, {
      hint: "As root: `systemctl stop keycask-agent`, or `kill` the agent's process. Its own user may say `keycask agent stop`.",
    });
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    throw new KeyStoreError(
      'PERMISSION_DENIED',
      `the agent (process ${pid}) belongs to another user: ${(error as Error).message}`,
      { hint: `As root: \`systemctl stop keycask-agent\`, or \`kill ${pid}\`.` },
    );
  }
}

async function waitUntilGone(address: AgentAddress): Promise<void> {
  const until = performance.now() + STOP_TAKES_MS;
  while (performance.now() < until) {
    try {
      await statusOf(address);
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
      // Any other one is of an agent that is about to end.
      if (error.code === 'AGENT_UNAVAILABLE') return;
    }
    await sleep(50);
  }
  throw new KeyStoreError('CANCELLED', 'the agent has not ended yet');
}

/** What an agent says of itself, and where its keys are as this user sees it. */
interface SeenAgent {
  readonly status: AgentStatus;
  readonly place: ProtectionLevel;
}

async function print(
  { output }: CommandContext,
  { socket }: AgentAddress,
  { status, place }: SeenAgent,
): Promise<void> {
  const { userName } = await import('../../platform/users.ts');
  const user = status.user === undefined ? undefined : await userName(status.user);
  const level = isProtectionLevel(status.level) ? status.level : place;
  const { words } = PROTECTION_LEVELS[level];
  const { startedAt, notes, user: uid, level: _, ...facts } = status;
  const since = new Date(startedAt * 1000);
  if (output.json)
    return output.result(
      { socket, user, uid, since, place, level, words, ...facts, hardening: notes },
      '',
    );
  output.fields({}, [
    ['socket', socket],
    ['process', String(status.pid)],
    ['user', user],
    ['since', since.toISOString()],
    ['provider', status.provider],
    ['keys', `${PROTECTION_LEVELS[place].words} ("${place}")`],
    ['that is', PROTECTION_LEVELS[place].readers],
    ['worth', level === place ? undefined : `no more than ${words} ("${level}")`],
    ['locked', status.isLocked ? 'yes: `keycask agent unlock`' : 'no'],
    ['idle lock', idleWords(status.idleLockSeconds)],
    ['exports', status.allowsExport ? 'where the key allows it' : 'none'],
    ['clients', `${status.sessions}, over ${status.connections} connections`],
    ['requests', String(status.requests)],
    ['memory', `${Math.round(status.memory / 1048576)} MiB`],
    ...notes.map((note) => ['hardening', note] as const),
  ]);
}

function idleWords(seconds: number | undefined): string {
  return seconds === undefined
    ? 'never'
    : `after ${Math.round(seconds / 60)} minutes without a use`;
}
