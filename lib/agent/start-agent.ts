/** Starts an agent: one process that holds the private keys of others. */
import type { AgentStatus } from '../agent-protocol/index.ts';
import { KeyStoreError } from '../errors.ts';
import { RsaThreads } from '../keys/rsa-threads.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { AccessList } from './access-list.ts';
import { AuditLog } from './audit-log.ts';
import { Audit } from './audit.ts';
import { capabilitiesFor, levelFor, placesOf } from './client-view.ts';
import { describeHardening } from './hardening-report.ts';
import { LegacyBlobs } from './legacy-blobs.ts';
import { Listener } from './listener.ts';
import { Operations } from './operations.ts';
import type { Agent, AgentOptions } from './options.ts';
import { judgeMessage, type JudgeMessage } from './own-messages.ts';
import { requirePeers } from './peer.ts';
import { ProviderKeeper } from './provider-keeper.ts';
import { RateLimit } from './rate-limit.ts';
import { Sessions } from './sessions.ts';
import { AgentTrust } from './trust.ts';

/**
 * Starts an agent in this process. The caller hardens the process first (`hardenProcess`), and keeps it running: the agent's socket does so too.
 *
 * @returns When clients can connect.
 * @throws KeyStoreError PARAMETER_INVALID, AGENT_NOT_TRUSTED where others could replace the socket, FILE_EXISTS where an agent answers there already, PASSWORD_WRONG,
 *   MODULE_MISSING without koffi (peers of a Unix socket are told by the kernel), and what the provider and the file system throw.
 * @example
 * ```ts
 * await hardenProcess();
 * await using agent = await startAgent({
 *   socket: '/run/keycask/agent.sock',
 *   openProvider: ({ passphrase, rsaThreads }) =>
 *     openSoftwareProvider({ folder: '/var/lib/keycask-agent/keys', protector: passphraseProtector({ passphrase }), rsaThreads }),
 *   users: [1000],
 *   auditFile: '/var/lib/keycask-agent/audit.log',
 * });
 * ```
 */
export function startAgent(options: AgentOptions): Promise<Agent> {
  return startAgentThatSigns(judgeMessage, options);
}

/** As {@link startAgent}, with another judge of messages: a test's. No subpath exports it. */
export async function startAgentThatSigns(
  judge: JudgeMessage,
  options: AgentOptions,
): Promise<Agent> {
  requireOptions(options);
  await requirePeers();
  const { limits = {} } = options;
  const { requestsPerSecond = DEFAULT_RATE, burst = 2 * requestsPerSecond } = limits;
  const rsaThreads = new RsaThreads(options.threads);
  const opened: { close(): void | Promise<void> }[] = [rsaThreads];
  const close = async (): Promise<void> => {
    for (const part of opened.toReversed()) await part.close();
  };
  try {
    const { passphrase, openProvider, idleLockMs } = options;
    const keeper = await ProviderKeeper.start({ openProvider, passphrase, rsaThreads, idleLockMs });
    opened.push(keeper);
    const audit = await openAudit(options);
    opened.push(audit);
    const legacyBlobs = options.legacyBlobs && (await LegacyBlobs.open(options.legacyBlobs));
    if (legacyBlobs) opened.push(legacyBlobs);
    const { handles = 4096, sessionGraceMs: graceMs = 60_000 } = limits;
    const sessions = new Sessions({ handles, graceMs });
    opened.push(sessions);
    const trust = new AgentTrust(keeper, {
      folder: options.trustFolder,
      signers: options.trustedSigners,
    });
    // The same while it is locked.
    const { name: provider, capabilities } = keeper.current.provider;
    let requests = 0;
    const fixed = fixedStatus(options, provider);
    const placeFor = await placesOf(options);
    // A client that comes as soon as the socket is there may ask before Listener.start has answered.
    let connections = (): number => 0;
    const operations = new Operations({
      keeper,
      trust,
      audit,
      judge,
      access: new AccessList(options.access),
      rate: new RateLimit(requestsPerSecond, burst),
      allowExport: options.allowExport ?? false,
      legacyBlobs,
      placeFor,
      status: (peer) => ({
        ...fixed,
        level: levelFor(placeFor(peer), capabilities, options.onDisk ?? 'same user'),
        isLocked: keeper.isLocked,
        connections: connections(),
        sessions: sessions.size,
        requests,
        memory: process.memoryUsage.rss(),
      }),
    });
    const { socket } = options;
    const [users, maxConnections] = [allowedUsers(options.users), limits.connections ?? 16_384];
    const listener = await Listener.start(
      { socket, audit, users, maxConnections },
      {
        operations,
        sessions,
        welcome: (peer) => ({
          user: fixed.user,
          provider,
          capabilities: capabilitiesFor(placeFor(peer), capabilities),
        }),
        frameTimeoutMs: limits.frameTimeoutMs ?? 10_000,
        inFlight: limits.inFlight ?? 256,
        onRequest: () => void requests++,
      },
      () => sessions.sweep(),
    );
    connections = () => listener.size;
    opened.push(listener);
    return agentOf(socket, keeper, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function requireOptions({ socket, openProvider }: Partial<AgentOptions>): void {
  if (typeof socket !== 'string' || socket === '')
    throw new KeyStoreError('PARAMETER_INVALID', 'socket: want the path to listen on');
  if (typeof openProvider !== 'function')
    throw new KeyStoreError('PARAMETER_INVALID', 'openProvider: want a function');
}

// oxlint-disable-next-line max-params -- three things that an agent is to its owner
function agentOf(socket: string, keeper: ProviderKeeper, close: () => Promise<void>): Agent {
  let closing: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => (closing ??= close());
  return {
    socket,
    lock: () => keeper.lock(),
    unlock: (passphrase: SecretBytes) => keeper.unlock(passphrase),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

async function openAudit({ auditFile, clock = () => new Date() }: AgentOptions): Promise<Audit> {
  return new Audit(auditFile === undefined ? undefined : await AuditLog.open(auditFile, clock));
}

/** What stays the same as long as the agent lives. */
function fixedStatus({ idleLockMs, allowExport, hardening }: AgentOptions, provider: string) {
  return {
    release: RELEASE,
    provider,
    pid: process.pid,
    user: process.geteuid?.(),
    startedAt: Math.floor(Date.now() / 1000),
    idleLockSeconds: idleLockMs === undefined ? undefined : Math.ceil(idleLockMs / 1000),
    allowsExport: allowExport ?? false,
    notes: hardening ? describeHardening(hardening) : [],
  } satisfies Partial<AgentStatus>;
}

function allowedUsers(users: readonly number[] | undefined): ReadonlySet<number> | undefined {
  if (process.platform === 'win32') return undefined;
  const own = process.geteuid?.();
  const allowed = users ?? (own === undefined ? [] : [own]);
  for (const user of allowed)
    if (!Number.isInteger(user) || user < 0)
      throw new KeyStoreError('PARAMETER_INVALID', 'users: want user numbers');
  return new Set(allowed);
}

/** Uses and changes of keys in a second, of each user. */
const DEFAULT_RATE = 20_000;
const RELEASE = '0.1.0';
