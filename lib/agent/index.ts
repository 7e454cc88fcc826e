/** keycask/agent: a process that holds the private keys of others, and answers their requests over a Unix socket. */
export { startAgent } from './start-agent.ts';
export {
  AGENT_RIGHTS,
  type AccessRule,
  type Agent,
  type AgentLimits,
  type AgentOptions,
  type AgentRight,
  type LegacyBlobOptions,
  type OpenAgentProvider,
  type ProviderParts,
} from './options.ts';
export { hardenProcess, SECURE_HEAP_ARGUMENTS, type HardeningOptions } from './harden.ts';
export {
  describeHardening,
  type HardeningMeasure,
  type HardeningName,
  type HardeningReport,
} from './hardening-report.ts';
export { RsaThreads } from '../keys/rsa-threads.ts';
export { SecretBytes } from '../keys/secret-bytes.ts';
export { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
