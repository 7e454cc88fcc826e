/** keycask: session keys, stored the way Windows documents it. */
export { SessionKeyStore } from './session-key-store.ts';
export type {
  AskSecret,
  BulkOptions,
  BulkRewrapOptions,
  BulkSummary,
  ContainerAlgorithm,
  ContainerInfo,
  ContainerKeyInfo,
  CreateKeyOptions,
  CreateStoreOptions,
  KeyCacheLimits,
  KeyInfo,
  LongWorkOptions,
  OpenKeyOptions,
  OpenStoreOptions,
  ProtectorName,
  RecipientSummary,
  RewrapKeyOptions,
  StoreChoice,
  StoreProgress,
  TrustedSignerInfo,
  VerifyResult,
  VerifyStoredOptions,
} from './session-key-store/types.ts';
export type { AcceptedStore } from './session-key-store/accept-store.ts';
export type { BulkProgress } from './session-key-store/bulk-work.ts';
export type { VerifyEntriesOptions } from './session-key-store/record-shelf.ts';
export type { StoreStatus } from './session-key-store/store-care.ts';
export type {
  WorkFailure,
  WorkItem,
  WorkKind,
  WorkMachine,
  WorkProgress,
  WorkState,
} from './contracts/work-list.ts';
export type { DoctorCheck, DoctorReport } from './session-key-store/doctor.ts';
export type { ContainerCertificates, ContainerKeys } from './session-key-store/container.ts';
export type {
  NewContainerOptions,
  RotateContainerOptions,
} from './session-key-store/containers.ts';
export type { MemoryStoreOptions } from './session-key-store/open-home.ts';
export type { OutsideOptions } from './session-key-store/rewrap.ts';
export { openProvider, type OpenProviderOptions } from './session-key-store/open-provider.ts';
export { SessionKey, type CryptoKeyAlgorithm } from './keys/session-key.ts';
export { SecretBytes } from './keys/secret-bytes.ts';
export * from './encrypt-file.ts';
export type {
  DecryptionKeyOptions,
  EncryptionKeyOptions,
  FileKey,
  FileKeys,
} from './contracts/file-keys.ts';
export type { Posture, ProviderCapabilities } from './contracts/provider.ts';
export type { KeyReader, Protection, ProtectionLevel } from './contracts/protection-level.ts';
export {
  BlobFormatError,
  KeyStoreError,
  type KeyStoreErrorCode,
  type NativeStatus,
} from './errors.ts';
