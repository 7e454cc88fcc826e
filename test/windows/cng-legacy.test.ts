/** Keys that CNG and CryptoAPI both have: containers that CNG opens, and keys that CNG writes into containers. */
import { createPublicKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import {
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
  CRYPT_DELETEKEYSET,
  CRYPT_EXPORTABLE,
  CRYPT_NEWKEYSET,
  CRYPT_SILENT,
  PLAINTEXTKEYBLOB,
  PRIVATEKEYBLOB,
  SIMPLEBLOB,
} from '../../native-bindings/wincrypt.ts';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { decodePlaintextKeyBlob } from '../../lib/blobs/plaintext-key-blob.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import type { LegacyKeySpec, PersistedKey, Provider } from '../../lib/contracts/provider.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { openKeyRecord } from '../../lib/records/open.ts';
import { classicRecordOf, message } from '../../lib/testing/provider/test-messages.ts';
import { keepsKeys, newName } from '../support/cng.ts';
import { acquire, api, rsaKey, spkiIn, spkiOf } from '../support/cryptoapi.ts';
import { codeOf, codeOfAsync } from '../support/errors.ts';

const SPECS = [
  ['AT_KEYEXCHANGE', AT_KEYEXCHANGE],
  ['AT_SIGNATURE', AT_SIGNATURE],
] as const;

let provider: Provider;
let container: string;
beforeEach(async () => {
  provider = await openCngProvider();
  container = newName();
});
afterEach(async () => {
  await provider.close();
  for (const name of [container, `${container}~signature`])
    codeOf(() => acquire(name, CRYPT_DELETEKEYSET));
});

/** Makes a container as another application does, with a pair in each slot. */
async function makeContainer(flags = CRYPT_EXPORTABLE): Promise<Handle> {
  const context = acquire(container, CRYPT_NEWKEYSET);
  for (const slot of [AT_KEYEXCHANGE, AT_SIGNATURE])
    api.cryptDestroyKey(await api.cryptGenKey(context, slot, (1024 << 16) | flags));
  // Wine writes the keys into the container now.
  api.cryptReleaseContext(context);
  return acquire(container, 0);
}

/** A session key of CryptoAPI's, as it exports it for the container's exchange key, and itself. */
async function sessionKeyOf(context: Handle) {
  const exchange = api.cryptGetUserKey(context, AT_KEYEXCHANGE);
  const key = await api.cryptGenKey(context, ALG_ID.CALG_AES_256, CRYPT_EXPORTABLE);
  const simpleBlob = api.cryptExportKey(key, exchange, SIMPLEBLOB, 0);
  const plain = decodePlaintextKeyBlob(api.cryptExportKey(key, 0n, PLAINTEXTKEYBLOB, 0));
  for (const handle of [key, exchange]) api.cryptDestroyKey(handle);
  return { simpleBlob, sessionKey: SecretBytes.copy(plain.key) };
}

async function signs(key: PersistedKey): Promise<boolean> {
  const toSign = message('rsa-pkcs1-sha256');
  const signature = await key.sign(toSign);
  const publicKey = createPublicKey({
    key: Buffer.from(key.publicKey),
    format: 'der',
    type: 'spki',
  });
  return verify('sha256', toSign.bytes, publicKey, signature);
}

describe.skipIf(!keepsKeys)('a container of CryptoAPI', () => {
  it.each([CRYPT_EXPORTABLE, 0])(
    'opens through CNG: a SIMPLEBLOB opens, both keys sign (flags %i)',
    async (flags) => {
      const context = await makeContainer(flags);
      const { simpleBlob, sessionKey } = await sessionKeyOf(context);
      using _sessionKey = sessionKey;
      const exchange = await provider.openKey(container, 'AT_KEYEXCHANGE');
      expect(exchange.publicKey).toEqual(spkiOf(context, AT_KEYEXCHANGE));
      const { record, keyId } = await classicRecordOf(exchange.publicKey, sessionKey, simpleBlob);
      using opened = await openKeyRecord(record, { exchangeKeys: [{ keyId, key: exchange }] });
      expect(toHex(opened.bytes)).toBe(toHex(sessionKey.bytes));
      const signature = await provider.openKey(container, 'AT_SIGNATURE');
      expect(signature.publicKey).toEqual(spkiOf(context, AT_SIGNATURE));
      expect([await signs(exchange), await signs(signature)]).toEqual([true, true]);
      const policy = await exchange.getProperty('exportPolicy');
      expect(policy.plaintextExport).toBe(flags === CRYPT_EXPORTABLE);
      const { notes } = await exchange.getProperty('posture');
      expect(notes.join()).toMatch(/where CryptoAPI has it, any process of its user can read it/);
      api.cryptReleaseContext(context);
    },
  );

  it('is deleted through CNG key by key, and goes with the last', async () => {
    api.cryptReleaseContext(await makeContainer());
    await (await provider.openKey(container, 'AT_SIGNATURE')).delete();
    expect(await codeOfAsync(provider.openKey(container, 'AT_SIGNATURE'))).toBe(
      'CONTAINER_NOT_FOUND',
    );
    expect(spkiIn(container, AT_KEYEXCHANGE).length).toBeGreaterThan(100);
    await (await provider.openKey(container, 'AT_KEYEXCHANGE')).delete();
    expect(codeOf(() => acquire(container, CRYPT_SILENT))).toBe('CONTAINER_NOT_FOUND');
  });

  it('keeps a new key of its name from being made', async () => {
    api.cryptReleaseContext(await makeContainer());
    const create = (spec: LegacyKeySpec) => provider.createPersistedKey('RSA', container, spec);
    expect(await codeOfAsync(create('AT_KEYEXCHANGE'))).toBe('CONTAINER_EXISTS');
    expect(await codeOfAsync(create('AT_SIGNATURE'))).toBe('CONTAINER_EXISTS');
    // dwLegacyKeySpec 0 is whichever it has.
    expect(await codeOfAsync(create('none'))).toBe('CONTAINER_EXISTS');
  });
});

describe.skipIf(!keepsKeys)('a key that is written to the legacy store', () => {
  /** Where CryptoAPI has it: CNG's name is the container's. */
  const containerOf = (spec: LegacyKeySpec): string =>
    spec === 'AT_SIGNATURE' ? `${container}~signature` : container;

  it.each(SPECS)('opens through CryptoAPI: %s', async (spec, slot) => {
    const pending = await provider.createPersistedKey('RSA', container, spec);
    await pending.setProperty('length', 2048);
    const key = await pending.finalize({ writeToLegacyStore: true });
    expect(spkiIn(containerOf(spec), slot)).toEqual(key.publicKey);
    await key.delete();
    expect(codeOf(() => acquire(containerOf(spec), CRYPT_SILENT))).toBe('CONTAINER_NOT_FOUND');
    expect(await codeOfAsync(provider.openKey(container, spec))).toBe('CONTAINER_NOT_FOUND');
  });

  it.each(SPECS)('opens there when it was brought in: %s', async (spec, slot) => {
    using pkcs8 = SecretBytes.take(rsaKey().export({ type: 'pkcs8', format: 'der' }));
    const pending = await provider.importKey(pkcs8, container, spec);
    const key = await pending.finalize({ writeToLegacyStore: true });
    expect(spkiIn(containerOf(spec), slot)).toEqual(key.publicKey);
    expect((await key.getProperty('posture')).notes.join()).toMatch(/legacy store: CryptoAPI/);
    await key.delete();
    expect(codeOf(() => acquire(containerOf(spec), CRYPT_SILENT))).toBe('CONTAINER_NOT_FOUND');
  });

  it('is as exportable there as its policy was', async () => {
    for (const plaintextExport of [true, false]) {
      using pkcs8 = SecretBytes.take(rsaKey().export({ type: 'pkcs8', format: 'der' }));
      const pending = await provider.importKey(pkcs8, container, 'AT_KEYEXCHANGE');
      await pending.setProperty('exportPolicy', {
        export: plaintextExport,
        plaintextExport,
        archive: false,
        plaintextArchive: false,
      });
      const key = await pending.finalize({ writeToLegacyStore: true });
      const context = acquire(container, 0);
      const pair = api.cryptGetUserKey(context, AT_KEYEXCHANGE);
      const code = codeOf(() => api.cryptExportKey(pair, 0n, PRIVATEKEYBLOB, 0).fill(0));
      expect(code).toBe(plaintextExport ? 'none' : 'EXPORT_FORBIDDEN');
      api.cryptDestroyKey(pair);
      api.cryptReleaseContext(context);
      await key.delete();
    }
  });
});
