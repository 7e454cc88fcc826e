/** keycask/providers/cryptoapi: private keys in the key containers of CryptoAPI. */
export { openCryptoApiProvider, type CryptoApiProviderOptions } from './cryptoapi-provider.ts';
