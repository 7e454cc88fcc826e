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
