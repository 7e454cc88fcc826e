/** What an agent is started with. */
import type { Signer } from '../cms/signed-data.ts';
import type { KeyReader } from '../contracts/protection-level.ts';
import type { Provider } from '../contracts/provider.ts';
import type { RsaThreads } from '../keys/rsa-threads.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { HardeningReport } from './hardening-report.ts';

/** What a user may do with keys. Whoever has one of `unwrap`, `sign`, `change`, `delete`, `export`, `legacy` for a key may open it. */
export const AGENT_RIGHTS = [
  'list',
  'unwrap',
  'sign',
  /** Make and bring in keys; ephemeral ones too, which their maker may use as he likes. */
  'create',
  /** Change properties. */
  'change',
  'delete',
  /** Only where the agent's setting `allowExport` and the key's own policy allow it too. */
  'export',
  /** Open unsigned SIMPLEBLOBs; only of keys that the setting `legacyBlobs` names. */
  'legacy',
  /** Lock and unlock the agent. */
  'manage',
] as const;
export type AgentRight = (typeof AGENT_RIGHTS)[number];

/** Rules add up: what none of them allows is refused. */
export interface AccessRule {
  /** User numbers, or everybody who may connect. */
  readonly users: readonly number[] | 'all';
  /** Names of keys; `*` stands for any characters. Default `['*']`. */
  readonly keys?: readonly string[];
  readonly rights: readonly AgentRight[];
}

/** What a function that opens the agent's provider is given. */
export interface ProviderParts {
  /** Asks for the passphrase that the agent was started or unlocked with. The callee disposes of the answer. PASSWORD_REQUIRED where there is none. */
  readonly passphrase: () => Promise<SecretBytes>;
  /** For `openSoftwareProvider({ rsaThreads })`: RSA on all cores. They live as long as the agent. */
  readonly rsaThreads: RsaThreads;
}

/** Opens the provider whose private keys the agent holds: at the start, and again after each unlock. */
export type OpenAgentProvider = (parts: ProviderParts) => Promise<Provider>;

export interface LegacyBlobOptions {
  /** Names of keys, `*` as in {@link AccessRule}, whose unsigned SIMPLEBLOBs are opened. */
  readonly keys: readonly string[];
  /** How many a minute, for each user. Default 60. */
  readonly perMinute?: number;
  /**
   * File of 32 random bytes, made where it is missing, 0600: what answers to failed blobs are made with. It has to stay the same, or a
   * failed blob would be told by its changing answer.
   */
  readonly secretFile: string;
}

/** Bounds of what clients may take of the agent. */
export interface AgentLimits {
  /** Connections; beyond it the one that was idle longest is closed, and its client connects again. Default 16,384. */
  readonly connections?: number;
  /** Time for hello, and for the rest of a frame whose beginning came. Default 10,000. */
  readonly frameTimeoutMs?: number;
  /** How long handles wait for a client whose connection broke. Default 60,000. */
  readonly sessionGraceMs?: number;
  /** Handles of one session. Default 4096. */
  readonly handles?: number;
  /** Requests of one connection that are worked on at once; more are read when one of them is done. Default 256. */
  readonly inFlight?: number;
  /** Of each user: uses and changes of keys in a second, in the long run. Default 20,000. */
  readonly requestsPerSecond?: number;
  /** And at once. Default as many as in two seconds. */
  readonly burst?: number;
}

export interface AgentOptions {
  /** Path of the Unix socket; on Windows of the pipe: `\\.\pipe\keycask-agent`. */
  readonly socket: string;
  readonly openProvider: OpenAgentProvider;
  /** The agent owns it, and wipes it when it is locked or closed. */
  readonly passphrase?: SecretBytes;
  /** User numbers that may connect. Default: the agent's own user alone. On Windows the pipe's access list decides, and this is not looked at. */
  readonly users?: readonly number[];
  /** Default: whoever may connect may do everything but `export` and `legacy`. */
  readonly access?: readonly AccessRule[];
  /** Folder of certificates (`*.cer`, DER) of signers whose records are opened, beside those whose keys the agent holds. Read again when it changes. */
  readonly trustFolder?: string;
  /** The same, given. */
  readonly trustedSigners?: readonly Signer[];
  /** File that a line is appended to for each use of a private key and each refusal. */
  readonly auditFile?: string;
  /** May private keys be given out where their own policy allows it? Default false. */
  readonly allowExport?: boolean;
  /** Without it no unsigned blob is opened. */
  readonly legacyBlobs?: LegacyBlobOptions;
  /** After so long without a use of a private key the provider is closed and the passphrase wiped. Default: never. */
  readonly idleLockMs?: number;
  readonly limits?: AgentLimits;
  /** Threads that do RSA. Default one for each core. */
  readonly threads?: number;
  /** Who could open the keys that lie on disk, asking nobody: for what `status` tells of them. Default `same user`, the worst. */
  readonly onDisk?: KeyReader;
  /** What `hardenProcess` gave, for `status`. */
  readonly hardening?: HardeningReport;
  readonly clock?: () => Date;
}

/** A running agent. */
export interface Agent extends AsyncDisposable {
  /** Path of the socket. */
  readonly socket: string;
  /** Closes the provider and wipes the passphrase: requests fail with AGENT_LOCKED. */
  lock(): Promise<void>;
  /**
   * @param passphrase - The agent owns it, and wipes it.
   * @throws KeyStoreError PASSWORD_WRONG: it stays locked.
   */
  unlock(passphrase: SecretBytes): Promise<void>;
  /** Ends all connections, closes the provider, removes the socket. Idempotent. */
  close(): Promise<void>;
}
