/** keycask/providers/pkcs11 */
export { openPkcs11Provider, type Pkcs11ProviderOptions } from './pkcs11-provider.ts';
export type { AskPin } from './token-sessions.ts';
