/** An agent in the background: started by this process, and alive after it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isProtectionLevel, type ProtectionLevel } from '../contracts/protection-level.ts';
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { connect, type AgentAddress } from './agent-connection.ts';
import { selfCommand } from './self-command.ts';

export interface BackgroundAgent {
  /** After `agent start --foreground`. */
  readonly arguments: readonly string[];
  /** File for what it says; begun anew with each start. */
  readonly log: string;
  readonly address: AgentAddress;
  /** Given to it over its socket, when it is there. */
  readonly passphrase: SecretBytes | undefined;
  readonly signal: AbortSignal;
}

export interface ReadyAgent {
  readonly pid: number;
  /** Where it uses keys, as this user sees it. */
  readonly place: ProtectionLevel;
  /** What that is worth. */
  readonly level: ProtectionLevel;
}

/** A slow disk, a token that has to be logged in to, and Argon2id in between. */
const START_TAKES_MS = 30_000;
const LOOK_EACH_MS = 25;

/**
 * Starts it, and waits until it answers. {@link requireNone} comes first.
 *
 * @throws KeyStoreError AGENT_UNAVAILABLE with its last words where it ended.
 */
export async function startInBackground(agent: BackgroundAgent): Promise<ReadyAgent> {
  const { SECURE_HEAP_ARGUMENTS } = await import('../agent/harden.ts');
  const [program, ...args] = selfCommand(SECURE_HEAP_ARGUMENTS, [
    'agent',
    'start',
    '--foreground',
    ...agent.arguments,
  ]);
  const log = await open(agent.log, 'w', 0o600);
  try {
    const child = spawn(program!, args, {
      cwd: '/',
      detached: true,
      env: cleaned(process.env),
      stdio: ['ignore', log.fd, log.fd],
    });
    // A program that cannot be started has no process, and says so by an event.
    child.once('error', () => undefined);
    child.unref();
    try {
      return await becomeReady(child, agent);
    } catch (error) {
      child.kill('SIGTERM');
      throw error;
    }
  } finally {
    await log.close();
  }
}

/**
 * Another agent's answers must not be taken for this one's.
 *
 * @throws KeyStoreError FILE_EXISTS where one answers there already.
 */
export async function requireNone(address: AgentAddress): Promise<void> {
  const { socket } = address;
  if (!(await look(address))) return;
  throw new KeyStoreError('FILE_EXISTS', `an agent answers at ${socket} already`, {
    hint: 'See `keycask agent status`, or stop it first: `keycask agent stop`.',
  });
}

async function becomeReady(
  child: ChildProcess,
  { address, log, passphrase, signal }: BackgroundAgent,
): Promise<ReadyAgent> {
  const isAlive = (): boolean =>
    child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const until = performance.now() + START_TAKES_MS;
  while (isAlive() && !signal.aborted && performance.now() < until) {
    const answering = await look(address);
    if (answering && answering.pid === child.pid) {
      await unlock(address, passphrase);
      return answering;
    }
    await sleep(LOOK_EACH_MS);
  }
  throw await lastWords(log);
}

/** undefined while none answers. */
async function look(address: AgentAddress): Promise<ReadyAgent | undefined> {
  try {
    await using agent = await connect(address);
    const { pid, level } = await agent.status();
    const place = agent.capabilities.protectionLevel;
    return { pid, place, level: isProtectionLevel(level) ? level : place };
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'AGENT_UNAVAILABLE') return undefined;
    throw error;
  }
}

/** @throws KeyStoreError PASSWORD_WRONG: then the agent ends again, and whoever starts it anew gives the right one. */
async function unlock(address: AgentAddress, passphrase: SecretBytes | undefined): Promise<void> {
  if (!passphrase) return;
  await using agent = await connect(address);
  await agent.unlock(passphrase);
}

/** The error that the child printed, with its code; the two lines are `main`'s own. */
async function lastWords(log: string): Promise<KeyStoreError> {
  const said = await readFile(log, 'utf8').catch(() => '');
  const message = /^keycask: error: (.*?)(?: \[(\w+)[^\]]*\])?$/mu.exec(said);
  const hint = /^keycask: hint: (.*)$/mu.exec(said)?.[1];
  return new KeyStoreError(
    'AGENT_UNAVAILABLE',
    `the agent did not start: ${message?.[1] ?? 'it said nothing'}${message?.[2] ? ` (${message[2]})` : ''}`,
    { hint: hint ?? `See ${log}.` },
  );
}

/** It would drop these itself, but some have an effect before it can. */
function cleaned(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !/^(LD_|DYLD_|NODE_|OPENSSL_|GCONV_PATH$|GLIBC_TUNABLES$)/u.test(name),
    ),
  );
}
