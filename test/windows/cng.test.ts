/**
 * The cng provider: on Windows; under Wine's own ncrypt, which keeps nothing; and on a double of ncrypt, which keeps keys as documented.
 * KEYCASK_NCRYPT says which: unset, `wine` or `double`.
 */
import process from 'node:process';
import { describe, it } from 'vitest';
import type { ProviderCapabilities } from '../../lib/contracts/provider.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { FULL_CAPABILITIES } from '../support/capabilities.ts';

const NCRYPT = process.env['KEYCASK_NCRYPT'];

const FULL: ProviderCapabilities = {
  ...FULL_CAPABILITIES,
  protectionLevel: NCRYPT === 'double' ? 'this process' : 'LSASS',
};
const WINE: ProviderCapabilities = {
  ...FULL,
  algorithms: ['RSA'],
  unwraps: [],
  oaepHashes: [],
  signs: ['rsa-pkcs1-sha256', 'rsa-pss-sha256'],
  scopes: ['user'],
  legacyStore: false,
  persisted: false,
  protectionLevel: 'this process',
};
const NAMES: Record<string, string> = {
  wine: "cng on Wine's ncrypt",
  double: 'cng on the ncrypt double',
};

testProvider(
  NAMES[NCRYPT ?? ''] ?? 'cng',
  async () => ({ provider: await openCngProvider(), openAgain: () => openCngProvider() }),
  { describe, it, skip: it.skip, capabilities: NCRYPT === 'wine' ? WINE : FULL },
);
