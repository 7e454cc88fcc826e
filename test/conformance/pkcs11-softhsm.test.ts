/** The pkcs11 provider is a provider, on a token of SoftHSM 2. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { ProviderCapabilities } from '../../lib/contracts/provider.ts';
import { openPkcs11Provider } from '../../lib/providers/pkcs11/index.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { FULL_CAPABILITIES } from '../support/capabilities.ts';
import {
  hasSoftHsm,
  makeSoftHsm,
  pinOf,
  SOFTHSM_MODULE,
  USER_PIN,
  type SoftHsm,
} from '../support/softhsm.ts';

const LABEL = 'conformance';

const SOFTHSM: ProviderCapabilities = {
  ...FULL_CAPABILITIES,
  // SoftHSM 2.6.1 knows OAEP with SHA-1 alone.
  oaepHashes: ['sha1'],
  scopes: ['user'],
  import: false,
  legacyStore: false,
  protectionLevel: 'this process',
};

let softHsm: SoftHsm;

describe.skipIf(!hasSoftHsm)('SoftHSM 2', () => {
  beforeAll(async () => {
    softHsm = await makeSoftHsm(LABEL);
  });

  afterAll(() => softHsm.remove());

  const open = () =>
    openPkcs11Provider({
      module: SOFTHSM_MODULE,
      token: LABEL,
      pin: pinOf(USER_PIN),
      lockFolder: softHsm.folder,
    });

  testProvider('pkcs11 on SoftHSM 2', async () => ({ provider: await open(), openAgain: open }), {
    describe,
    it,
    skip: it.skip,
    capabilities: SOFTHSM,
  });
});
