/** keycask/providers/software: private keys in this process, on disk sealed under a protector. */
export {
  openSoftwareProvider,
  type SoftwareProvider,
  type SoftwareProviderOptions,
} from './software-provider.ts';
export { dpapiProtector, type DpapiOptions } from '../key-files/dpapi-protector.ts';
export {
  machineSecretProtector,
  type MachineSecretOptions,
} from '../key-files/machine-secret-protector.ts';
export { passphraseProtector, type PassphraseOptions } from '../key-files/passphrase-protector.ts';
export type {
  ProtectedFileKey,
  Protector,
  ProtectorOptions,
  ProtectorPosture,
} from '../key-files/protector.ts';
export type { BootSecret } from '../key-files/boot-secret.ts';
export {
  keyringBootSecret,
  type KeyringBootSecretOptions,
} from '../key-files/keyring-boot-secret.ts';
export { systemBootSecret } from '../key-files/system-boot-secret.ts';
export { tmpfsBootSecret, type TmpfsBootSecretOptions } from '../key-files/tmpfs-boot-secret.ts';
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
