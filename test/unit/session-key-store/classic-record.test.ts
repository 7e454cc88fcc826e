/** A home makes classic records: a SIMPLEBLOB, as CryptExportKey writes it, signed. */
import { describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { decodeSimpleBlob } from '../../../lib/blobs/simple-blob.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { newStore, secretText } from '../../support/temporary-home.ts';

const AES = {
  128: ALG_ID.CALG_AES_128,
  192: ALG_ID.CALG_AES_192,
  256: ALG_ID.CALG_AES_256,
} as const;

describe('a classic record', () => {
  it.each([128, 192, 256] as const)(
    'holds a SIMPLEBLOB of AES-%i that another process opens',
    async (lengthInBits) => {
      const { store, where } = await newStore({ algorithm: 'rsa-2048' });
      using made = await store.createKey('old', { profile: 'classic', lengthInBits });
      const record = Buffer.from(await store.exportRecord('old'));
      // PUBLICKEYSTRUC: SIMPLEBLOB, version 2.
      const blob = record.subarray(record.indexOf(Buffer.from([1, 2, 0, 0])));
      expect(decodeSimpleBlob(blob.subarray(0, 12 + 256)).algId).toBe(AES[lengthInBits]);
      await using again = await SessionKeyStore.open(where);
      expect(await again.showKey('old')).toMatchObject({
        state: 'ok',
        profile: 'classic',
        effectiveBits: lengthInBits,
      });
      using opened = await again.openKey('old');
      expect(opened.commitment).toEqual(made.commitment);
    },
  );

  it('becomes an envelope when it is re-wrapped', async () => {
    const { store } = await newStore({ algorithm: 'rsa-2048' });
    using made = await store.createKey('old', { profile: 'classic' });
    await store.rewrap('old');
    expect(await store.showKey('old')).toMatchObject({ profile: 'envelope', version: 2 });
    using opened = await store.openKey('old');
    expect(opened.commitment).toEqual(made.commitment);
  });

  it('is for the exchange key of the home alone, which has to be RSA', async () => {
    const { store } = await newStore({ algorithm: 'rsa-2048' });
    using password = secretText('correct horse');
    const withPassword = store.createKey('old', { profile: 'classic', password });
    expect(await codeOfAsync(withPassword)).toBe('PARAMETER_INVALID');
    await using elliptic = await SessionKeyStore.inMemory();
    const ofCurve = elliptic.createKey('old', { profile: 'classic' });
    expect(await codeOfAsync(ofCurve)).toBe('NOT_SUPPORTED');
  });
});
