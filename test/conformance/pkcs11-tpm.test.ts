/** The pkcs11 provider is a provider, on a TPM 2.0 through tpm2-pkcs11. The TPM is swtpm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProviderCapabilities } from '../../lib/contracts/provider.ts';
import { openPkcs11Provider } from '../../lib/providers/pkcs11/index.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { message, recordFor } from '../../lib/testing/provider/test-messages.ts';
import { FULL_CAPABILITIES } from '../support/capabilities.ts';
import { codeOfAsync } from '../support/errors.ts';
import { pinOf } from '../support/softhsm.ts';
import { hasTpm, makeSoftTpm, TPM_MODULE, TPM_PIN, type SoftTpm } from '../support/tpm.ts';

const LABEL = 'tpm';
const MAX_TRIES = 3;

const TPM: ProviderCapabilities = {
  ...FULL_CAPABILITIES,
  // tpm2-pkcs11 1.9 derives nothing, and the TPM has no longer keys.
  algorithms: ['RSA', 'ECDSA_P256', 'ECDSA_P384'],
  rsaLengths: [2048, 3072],
  unwraps: ['rsa-oaep', 'rsa-pkcs1'],
  scopes: ['user'],
  import: false,
  legacyStore: false,
  protectionLevel: 'token',
};

describe.skipIf(!hasTpm)('a TPM', () => {
  let tpm: SoftTpm;

  beforeAll(async () => {
    tpm = await makeSoftTpm(LABEL, MAX_TRIES);
  });

  afterAll(() => tpm.remove());

  const open = (pin = TPM_PIN) =>
    openPkcs11Provider({
      module: TPM_MODULE,
      token: LABEL,
      pin: pinOf(pin),
      lockFolder: tpm.folder,
    });

  testProvider(
    'pkcs11 on a TPM',
    async () => ({ provider: await open(), openAgain: () => open() }),
    { describe, it, skip: it.skip, capabilities: TPM },
  );

  it('keeps its keys to itself, and says so', async () => {
    await using provider = await open();
    const pending = await provider.createPersistedKey('ECDSA_P256', 'posture', 'AT_SIGNATURE', {
      isolation: 'require-vbs',
    });
    const key = await pending.finalize();
    const posture = await key.getProperty('posture');
    expect(posture).toMatchObject({ inMemory: 'token', level: 'token', readableBy: [] });
    expect(posture.couldRead).toEqual({ inMemory: 'nobody', onDisk: 'nobody' });
    expect(posture.survives.tpmClear).toBe(false);
  });

  it('serves 32 unwraps and signatures at once', async () => {
    await using provider = await open();
    const pending = await provider.createPersistedKey('RSA', 'many', 'AT_KEYEXCHANGE');
    await pending.setProperty('length', 2048);
    const key = await pending.finalize();
    const { record } = await recordFor(key.publicKey);
    const results = await Promise.all(
      Array.from({ length: 32 }, async (_, n) => {
        if (n % 2 === 0) return (await key.sign(message('rsa-pkcs1-sha256'))).length;
        using contentKey = await key.unwrap(record, 0);
        return contentKey.length;
      }),
    );
    expect(new Set(results)).toEqual(new Set([256, 32]));
  });

  it('works again when it was taken out and put back', async () => {
    await using provider = await open();
    const pending = await provider.createPersistedKey('ECDSA_P256', 'removed', 'AT_SIGNATURE');
    const key = await pending.finalize();
    await key.sign(message('ecdsa-sha256'));
    await tpm.takeOut();
    try {
      expect(await codeOfAsync(key.sign(message('ecdsa-sha256')))).toBe('PROVIDER_UNAVAILABLE');
      expect(await codeOfAsync(key.sign(message('ecdsa-sha256')))).toBe('PROVIDER_UNAVAILABLE');
    } finally {
      await tpm.putBack();
    }
    const signatures = await Promise.all(
      Array.from({ length: 8 }, () => key.sign(message('ecdsa-sha256'))),
    );
    expect(signatures).toHaveLength(8);
  });

  it('holds the keys of a home: RSA, where it has no agreement', async () => {
    const place = { home: `${tpm.folder}/home`, stateFolder: `${tpm.folder}/state` };
    const pin = pinOf(TPM_PIN);
    const options = { provider: 'pkcs11', pkcs11Module: TPM_MODULE, token: LABEL } as const;
    const plaintext = new TextEncoder().encode('in a TPM');
    let encrypted: Uint8Array;
    {
      await using store = await SessionKeyStore.create({ ...place, ...options, pin });
      expect((await store.showContainer()).exchange?.algorithm).toBe('RSA');
      encrypted = await store.encrypt(plaintext, { label: 'first' });
    }
    await using store = await SessionKeyStore.open({ ...place, pin });
    expect(await store.rotateContainer()).toBe(1);
    expect(Buffer.from(await store.decrypt(encrypted)).toString()).toBe('in a TPM');
  });

  // The last one: it stays locked.
  it('locks itself after wrong PINs, of which none was tried twice', async () => {
    const codes: string[] = [];
    while (codes.at(-1) !== 'PIN_LOCKED' && codes.length <= MAX_TRIES)
      codes.push(await codeOfAsync(open('9999')));
    // Being taken out while it runs counts as a try too.
    expect(codes.slice(0, -1)).toEqual(codes.slice(0, -1).map(() => 'PASSWORD_WRONG'));
    expect(codes.length).toBeGreaterThan(1);
    expect(codes.at(-1)).toBe('PIN_LOCKED');
    expect(await codeOfAsync(open())).toBe('PIN_LOCKED');
  });
});
