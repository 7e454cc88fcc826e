/** The cryptoapi provider is a provider, on CryptoAPI itself. */
import { describe, it } from 'vitest';
import type { ProviderCapabilities } from '../../lib/contracts/provider.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { cryptoApiHome } from '../support/cryptoapi.ts';

const CAPABILITIES: ProviderCapabilities = {
  algorithms: ['RSA'],
  rsaLengths: [2048, 3072, 4096],
  unwraps: ['rsa-oaep', 'rsa-pkcs1'],
  oaepHashes: ['sha1'],
  signs: ['rsa-pkcs1-sha256'],
  sessionKeyBlobs: true,
  scopes: ['user', 'machine'],
  import: true,
  legacyStore: true,
  persisted: true,
  protectionLevel: 'this process',
};

testProvider(
  'cryptoapi',
  async () => {
    const home = await cryptoApiHome();
    return { provider: await home.open(), openAgain: home.open, dispose: home.remove };
  },
  { describe, it, skip: it.skip, capabilities: CAPABILITIES },
);
