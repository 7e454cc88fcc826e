/** The isolated provider: private keys are in an agent's process, and this one asks it. */
import {
  fromWireError,
  type AgentStatus,
  type AnswerOf,
  type ListedKey,
  type OperationName,
  type RequestOf,
} from '../../agent-protocol/index.ts';
import { copyBytes } from '../../bytes/octets.ts';
import { isProtectionLevel } from '../../contracts/protection-level.ts';
import type {
  CreateKeyOptions,
  KeyScope,
  LegacyKeySpec,
  OpenKeyOptions,
  PendingKey,
  PersistedKeyInfo,
  Provider,
  ProviderCapabilities,
} from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { requireSocketPath } from '../../platform/socket-path.ts';
import {
  readCreateOptions,
  requireAlgorithm,
  requireName,
  requireScope,
  requireSpec,
  type CreateFlags,
} from '../rules/key-request.ts';
import { AGENT_CHANGED, AgentChannel } from './agent-channel.ts';
import { IsolatedKey, openInAgent } from './isolated-key.ts';
import { IsolatedPendingKey } from './isolated-pending-key.ts';

export interface IsolatedProviderOptions {
  /** Path of the agent's Unix socket, or of its pipe. */
  readonly socket: string;
  /** Number of the user that the agent runs as, where it is neither this one nor root: the socket has to be his. */
  readonly agentUser?: number;
  /** How long to try to reach the agent again after a connection has broken. Default 5000. */
  readonly reconnectMs?: number;
}

/** An agent's provider, seen from here. */
export interface IsolatedProvider extends Provider {
  openKey(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    options?: OpenKeyOptions,
  ): Promise<IsolatedKey>;
  status(): Promise<AgentStatus>;
  /** Closes the agent's keys and wipes its passphrase: requests fail with AGENT_LOCKED, of all its clients. */
  lock(): Promise<void>;
  /**
   * @param passphrase - The caller still owns, and wipes, it.
   * @throws KeyStoreError PASSWORD_WRONG
   */
  unlock(passphrase: SecretBytes): Promise<void>;
}

/**
 * Connects to an agent.
 *
 * Before anything is sent, the socket and the folders above it are looked at: they belong to this user, to root or to `agentUser`, and nobody
 * else may replace them. When the agent ends and comes back, named keys are opened again, and have to be the same; a request that changes
 * something is never done twice: where nobody knows whether it was done, it fails with AGENT_OUTCOME_UNKNOWN.
 *
 * @throws KeyStoreError AGENT_UNAVAILABLE, AGENT_NOT_TRUSTED, AGENT_ACCESS_DENIED, AGENT_PROTOCOL; PARAMETER_INVALID for a socket or a user that
 *   can be none.
 * @example
 * ```ts
 * await using provider = await openIsolatedProvider({ socket: '/run/keycask/agent.sock' });
 * await using key = await provider.openKey('archive', 'AT_KEYEXCHANGE');
 * ```
 */
export async function openIsolatedProvider(
  options: IsolatedProviderOptions,
): Promise<IsolatedProvider> {
  requireOptions(options);
  const { socket, agentUser, reconnectMs = RECONNECT_MS } = options;
  const channel = new AgentChannel({ socket, agentUser, reconnectMs });
  try {
    const { capabilities } = await channel.connect();
    return new AgentProvider(channel, readCapabilities(capabilities));
  } catch (error) {
    await channel.close();
    throw error;
  }
}

/** A program without types may give the name of a user, and would believe a socket that it did not mean, or none. */
function requireOptions({ socket, agentUser }: IsolatedProviderOptions): void {
  if (typeof socket !== 'string' || socket === '')
    throw new KeyStoreError('PARAMETER_INVALID', "socket: want the path of an agent's socket");
  requireSocketPath(socket);
  if (agentUser !== undefined && !(Number.isInteger(agentUser) && agentUser >= 0))
    throw new KeyStoreError('PARAMETER_INVALID', 'agentUser: want the number of a user');
}

const RECONNECT_MS = 5000;

class AgentProvider implements IsolatedProvider {
  readonly name = 'isolated';
  readonly capabilities: ProviderCapabilities;
  readonly #channel: AgentChannel;

  constructor(channel: AgentChannel, capabilities: ProviderCapabilities) {
    this.#channel = channel;
    this.capabilities = capabilities;
  }

  async createPersistedKey(
    algorithm: KeyAlgorithm,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options: CreateKeyOptions = {},
  ): Promise<PendingKey> {
    this.#channel.requireOpen();
    requireAlgorithm(algorithm);
    const flags = readCreateOptions({ algorithm, name, legacyKeySpec }, options);
    return this.#pending(
      flags,
      this.#channel.request({
        op: 'create',
        arguments: { algorithm, name, spec: legacyKeySpec, options: wireFlags(flags) },
        take: ({ handle }) => handle,
      }),
    );
  }

  async importKey(
    privateKey: SecretBytes,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options: CreateKeyOptions = {},
  ): Promise<PendingKey> {
    this.#channel.requireOpen();
    if (!this.capabilities.import)
      throw new KeyStoreError('NOT_SUPPORTED', "the agent's provider takes no private keys");
    requireSpec(legacyKeySpec);
    // Not instanceof: the ESM and the CJS build have a class each.
    const pkcs8 = (privateKey as SecretBytes | undefined)?.bytes;
    if (!(pkcs8 instanceof Uint8Array))
      throw new KeyStoreError('PARAMETER_INVALID', 'a private key is given as SecretBytes');
    if (pkcs8.length > MAX_PRIVATE_KEY)
      throw new KeyStoreError('BLOB_MALFORMED', 'not a private key in PKCS#8 DER');
    // What kind of key it is, the agent finds out: only then is it known whether name and spec fit it.
    if (name !== null) requireName(name);
    const flags = readCreateOptions({ algorithm: 'RSA', name, legacyKeySpec }, options);
    return this.#pending(
      flags,
      this.#channel.request({
        op: 'import',
        arguments: { privateKey: pkcs8, name, spec: legacyKeySpec, options: wireFlags(flags) },
        take: ({ handle }) => handle,
        isSecret: true,
      }),
    );
  }

  async openKey(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    options: OpenKeyOptions = {},
  ): Promise<IsolatedKey> {
    this.#channel.requireOpen();
    requireName(name);
    requireSpec(legacyKeySpec);
    const { scope = 'user' } = options;
    requireScope(scope);
    const silent = options.silent === true;
    const facts = await openInAgent(this.#channel, { name, spec: legacyKeySpec, scope, silent });
    this.#channel.requireOpen();
    return new IsolatedKey(this.#channel, facts, silent);
  }

  async *listKeys(options: { readonly scope?: KeyScope } = {}): AsyncIterable<PersistedKeyInfo> {
    this.#channel.requireOpen();
    const { scope } = options;
    if (scope !== undefined) requireScope(scope);
    let more: number | undefined;
    for (let page = 0; page === 0 || more !== undefined; page++) {
      const wanted = more === undefined ? { scope } : { listing: more, page };
      const listed = await this.#ask('list', wanted, takePage);
      yield* listed.keys;
      if (listed.unreadable) throw listed.unreadable;
      more = listed.more;
    }
  }

  status(): Promise<AgentStatus> {
    return this.#ask('status', {}, (status) => ({ ...status }));
  }

  async lock(): Promise<void> {
    await this.#ask('lock', {}, () => undefined);
  }

  async unlock(passphrase: SecretBytes): Promise<void> {
    const request = { op: 'unlock', take: () => undefined, isSecret: true } as const;
    await this.#channel.request({ ...request, arguments: { passphrase: passphrase.bytes } });
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #pending(
    { silent }: CreateFlags,
    made: Promise<number | typeof AGENT_CHANGED>,
  ): Promise<PendingKey> {
    const handle = await made;
    this.#channel.requireOpen();
    if (handle === AGENT_CHANGED) throw new KeyStoreError('AGENT_UNAVAILABLE');
    const { epoch } = this.#channel;
    return new IsolatedPendingKey(this.#channel, { epoch, handle }, silent);
  }

  /** Of requests without a handle. */
  async #ask<Name extends OperationName, Result>(
    op: Name,
    given: RequestOf<Name>,
    take: (answer: AnswerOf<Name>) => Result,
  ): Promise<Result> {
    const result = await this.#channel.request<Name, Result>({ op, arguments: given, take });
    if (result === AGENT_CHANGED) throw new KeyStoreError('AGENT_UNAVAILABLE');
    return result;
  }
}

/** A page of a listing, out of the answer. */
interface ListedPage {
  readonly keys: readonly PersistedKeyInfo[];
  readonly more: number | undefined;
  readonly unreadable: KeyStoreError | undefined;
}

function takePage({ keys, more, unreadable }: AnswerOf<'list'>): ListedPage {
  return {
    keys: keys.map(keyInfo),
    more,
    unreadable: unreadable && fromWireError(unreadable),
  };
}

function keyInfo({ name, algorithm, spec, scope, publicKey }: ListedKey): PersistedKeyInfo {
  return { name, algorithm, legacyKeySpec: spec, scope, publicKey: copyBytes(publicKey) };
}

/** What is given without types may be anything; an agent is asked for true or false. */
function wireFlags(flags: CreateFlags) {
  const { scope, isolation } = flags;
  const isSet = (name: 'silent' | 'overwrite' | 'perBoot'): boolean => {
    const given: unknown = flags[name];
    return Boolean(given);
  };
  return {
    scope,
    isolation,
    silent: isSet('silent'),
    overwrite: isSet('overwrite'),
    perBoot: isSet('perBoot'),
  };
}

function readCapabilities(capabilities: AnswerOf<'hello'>['capabilities']): ProviderCapabilities {
  const { protectionLevel } = capabilities;
  if (!isProtectionLevel(protectionLevel))
    throw new KeyStoreError('AGENT_PROTOCOL', 'the agent has a protection level of its own');
  return { ...capabilities, protectionLevel };
}

/** PKCS#8 of an RSA-16384 key has under 10 KiB. */
const MAX_PRIVATE_KEY = 16 << 10;
