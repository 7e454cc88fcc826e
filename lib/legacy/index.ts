/**
 * keycask/legacy: what CryptoAPI of Windows encrypted, derived and signed, opened without Windows.
 *
 * Reading is open. Making new data with these ciphers is not offered.
 */
export {
  importCapiKey,
  type CapiKey,
  type CapiSalt,
  type ImportCapiKeyOptions,
} from './capi-key.ts';
export {
  capiDecrypt,
  openCapiDecryptor,
  type CapiCipherOptions,
  type CapiDecryptor,
  type CapiMode,
} from './cipher.ts';
export {
  bcryptDeriveKeyCapi,
  cryptDeriveKey,
  type BCryptDeriveKeyCapiOptions,
  type CryptDeriveKeyOptions,
} from './derive-key.ts';
export { capiHash, capiHashLength, type CapiHashValue } from './hash.ts';
export { hashSessionKey, type HashSessionKeyOptions } from './hash-session-key.ts';
export { capiCbcMac, capiHmac, type CapiHmacOptions } from './mac.ts';
export {
  capiProviderAlgorithms,
  type CapiProvider,
  type CapiProviderAlgorithm,
} from './provider-algorithms.ts';
export {
  openEncryptedPrivateKeyBlob,
  type OpenEncryptedPrivateKeyBlobOptions,
  type OpenedPrivateKeyBlob,
  type PrivateKeyBlobCandidate,
  type PrivateKeyBlobEncryption,
} from './encrypted-private-key-blob.ts';
export {
  importLegacyPrivateKey,
  importLegacyPublicKey,
  type LegacyPrivateKey,
  type LegacyPublicKey,
} from './legacy-key.ts';
export { openPvk, type OpenedPvk, type PvkProtection } from './pvk.ts';
export { capiRsaDecrypt, type CapiRsaOptions } from './rsa-encryption.ts';
export { capiSign, capiVerify, type CapiSignatureOptions, type CapiSigned } from './signature.ts';
export {
  readNullKeySimpleBlob,
  unwrapSimpleBlob,
  wrapSimpleBlob,
  type ReadNullKeyOptions,
  type UnwrapSimpleBlobOptions,
  type WrapSimpleBlobOptions,
} from './simple-blob.ts';
export { unwrapSymmetricWrapBlob } from './symmetric-wrap.ts';
export { type OpenedCapiContainer, type OpenedCapiKey } from './dpapi/capi-container.ts';
export { type OpenedCngContainer } from './dpapi/cng-container.ts';
export { capiContainerFileName, cngContainerFileName } from './dpapi/container-file-name.ts';
export { openContainerFile, type OpenedContainer } from './dpapi/container-file.ts';
export { type MasterKeySource, type OpenContainerOptions } from './dpapi/open-blob.ts';
export { openCredHist, type FormerPassword, type OpenedCredHist } from './dpapi/cred-hist.ts';
export { type DomainKeySource } from './dpapi/domain-key.ts';
export { openDpapiBlob, type OpenDpapiBlobOptions } from './dpapi/dpapi-blob.ts';
export {
  openBackupKey,
  openMasterKey,
  type BackupKeySecret,
  type MasterKeyForm,
  type MasterKeySecret,
  type OpenedMasterKey,
} from './dpapi/master-key.ts';
export { type UserSecret } from './dpapi/pre-key.ts';
export {
  listProfileFiles,
  type ProfileContainer,
  type ProfileFile,
  type ProfileFilesOptions,
  type ProfileMasterKey,
  type ProfileOther,
} from './dpapi/profile-files.ts';
export { WindowsProfile, type ProfileSecret } from './dpapi/windows-profile.ts';
export {
  decodeCapiContainerFile,
  encodeCapiContainerFile,
  type CapiContainerFile,
  type CapiContainerSlot,
} from '../windows-files/capi-container-file.ts';
export {
  decodeCapiRsaPrivateKey,
  decodeCapiRsaPublicKey,
  encodeCapiRsaPrivateKey,
  encodeCapiRsaPublicKey,
  type CapiRsaPrivateKey,
  type CapiRsaPublicKey,
} from '../windows-files/capi-key.ts';
export {
  decodeCngContainerFile,
  encodeCngContainerFile,
  type CngContainerFile,
} from '../windows-files/cng-container-file.ts';
export {
  decodeCngProperties,
  encodeCngProperties,
  type CngProperty,
} from '../windows-files/cng-property.ts';
export {
  decodeCredHist,
  encodeCredHist,
  type CredHist,
  type CredHistEntry,
} from '../windows-files/cred-hist.ts';
export {
  decodeDomainBackupKey,
  encodeDomainBackupKey,
  type DomainBackupKey,
  type RsaDomainBackupKey,
  type SymmetricDomainBackupKey,
} from '../windows-files/domain-backup-key.ts';
export {
  decodeDomainKeySection,
  encodeDomainKeySection,
  type ClientWrappedSecret,
  type DomainKeySection,
  type ServerWrappedSecret,
} from '../windows-files/domain-key-section.ts';
export {
  decodeDpapiBlob,
  DPAPI_FLAG,
  DPAPI_PROVIDER_GUID,
  encodeDpapiBlob,
  type DpapiBlob,
} from '../windows-files/dpapi-blob.ts';
export { type DecodeFileOptions } from '../windows-files/fields.ts';
export {
  decodeMasterKeyFile,
  encodeMasterKeyFile,
  MASTER_KEY_FLAG,
  type CredHistReference,
  type MasterKeyFile,
} from '../windows-files/master-key-file.ts';
export { type MasterKeySection } from '../windows-files/master-key-section.ts';
export {
  decodePcpKeyFile,
  encodePcpKeyFile,
  type PcpKeyFile,
} from '../windows-files/pcp-key-file.ts';
export {
  decodePreferred,
  encodePreferred,
  type PreferredFile,
} from '../windows-files/preferred.ts';
export {
  decodeRoamedCngKey,
  encodeRoamedCngKey,
  type RoamedCngKey,
} from '../windows-files/roamed-cng-key.ts';
export {
  decodeProtectedData,
  encodeProtectedData,
  type ProtectedData,
} from '../cms/protected-data.ts';
export {
  type AllOfRecipient,
  type CertificateRecipient,
  type ConditionRecipient,
  type ProtectedDataRecipient,
} from '../cms/protected-recipient.ts';
export { type ConditionKind, type ProtectionCondition } from '../cms/protection-condition.ts';
export { type GroupRootKey } from './dpapi-ng/group-key.ts';
export { openProtectedSecret, type ProtectedSecretKeys } from './dpapi-ng/open-protected-secret.ts';
export {
  formatProtectionRule,
  parseProtectionRule,
  protectionRuleOf,
  type ProtectionRule,
  type ProtectionRuleCondition,
} from './dpapi-ng/protection-rule.ts';
export {
  openWineContainer,
  type OpenedWineContainer,
  type OpenedWineKey,
} from './wine/wine-container.ts';
export { openWineProtectedBlob } from './wine/wine-protected-blob.ts';
export {
  decodeEcdhKey,
  encodeEcdhKey,
  type EcdhKey,
  type GroupKeyCurve,
} from '../windows-files/ecdh-key.ts';
export {
  decodeFfcDhKey,
  decodeFfcDhParameters,
  encodeFfcDhKey,
  encodeFfcDhParameters,
  type FfcDhKey,
  type FfcDhParameters,
} from '../windows-files/ffc-dh.ts';
export {
  decodeGroupKeyEnvelope,
  encodeGroupKeyEnvelope,
  type GroupKeyAlgorithms,
  type GroupKeyEnvelope,
} from '../windows-files/group-key-envelope.ts';
export {
  decodeGroupKeyIdentifier,
  encodeGroupKeyIdentifier,
  type GroupKeyIdentifier,
  type GroupKeyInterval,
} from '../windows-files/group-key-identifier.ts';
export { decodeKdfParameters, encodeKdfParameters } from '../windows-files/kdf-parameters.ts';
export {
  decodeWineProtectBlob,
  encodeWineProtectBlob,
  isWineProtectBlob,
  type WineProtectBlob,
} from '../windows-files/wine-protect-blob.ts';
export { readWineRegistry, type WineContainer } from '../windows-files/wine-registry.ts';
