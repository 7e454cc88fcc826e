/** keycask/providers/cng: private keys in a key storage provider of Windows. */
export { openCngProvider, type CngProviderOptions } from './cng-provider.ts';
