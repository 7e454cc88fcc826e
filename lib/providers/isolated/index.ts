/** keycask/providers/isolated: private keys in an agent's process, reached over its socket. */
export {
  openIsolatedProvider,
  type IsolatedProvider,
  type IsolatedProviderOptions,
} from './isolated-provider.ts';
export type { IsolatedKey } from './isolated-key.ts';
export type { AgentStatus } from '../../agent-protocol/index.ts';
export type {
  CreateKeyOptions,
  ExportPolicy,
  FinalizeOptions,
  Isolation,
  KeyProperties,
  KeyPropertyName,
  KeyScope,
  KeyUsage,
  LegacyKeySpec,
  OpenKeyOptions,
  PendingKey,
  PersistedKey,
  PersistedKeyInfo,
  Posture,
  PrivateKeyFormat,
  Provider,
  ProviderCapabilities,
  UiPolicy,
} from '../../contracts/provider.ts';
export { SecretBytes } from '../../keys/secret-bytes.ts';
export { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';
