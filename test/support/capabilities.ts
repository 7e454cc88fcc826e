/** What a provider claims that has everything but session keys of its own. */
import type { ProviderCapabilities } from '../../lib/contracts/provider.ts';

export const FULL_CAPABILITIES: ProviderCapabilities = {
  algorithms: ['RSA', 'ECDH_P256', 'ECDH_P384', 'ECDSA_P256', 'ECDSA_P384'],
  rsaLengths: [2048, 3072, 4096],
  unwraps: ['rsa-oaep', 'rsa-pkcs1', 'ecdh-x963'],
  oaepHashes: ['sha256', 'sha1'],
  signs: ['rsa-pkcs1-sha256', 'rsa-pss-sha256', 'ecdsa-sha256', 'ecdsa-sha384'],
  sessionKeyBlobs: false,
  scopes: ['user', 'machine'],
  import: true,
  legacyStore: true,
  persisted: true,
  protectionLevel: 'this process',
};
