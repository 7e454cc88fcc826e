/** The classic profile: a SIMPLEBLOB as CryptExportKey gave it, signed; and envelopes of keys that are too short to commit to. */
import { describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import {
  decodeKeyRecord,
  recipientInfoToSimpleBlob,
  simpleBlobToRecipientInfo,
} from '../../../lib/records/decode.ts';
import { openKeyRecord } from '../../../lib/records/open.ts';
import { rewrapKeyRecord } from '../../../lib/records/rewrap.ts';
import { sealClassicRecord, sealKeyRecord } from '../../../lib/records/seal.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { testExchangeKey } from '../../support/exchange-key.ts';
import {
  classicRecord,
  FAST_PBKDF2,
  NOW,
  PASSWORD,
  passwordRecipient,
  pinned,
  sampleMetadata,
  secretOf,
} from '../../support/sample-records.ts';
import { testIdentity } from '../../support/signing-identity.ts';

const KEYS: [name: string, algorithm: number, keyLength: number][] = [
  ['AES-256', ALG_ID.CALG_AES_256, 32],
  ['AES-128', ALG_ID.CALG_AES_128, 16],
  ['3DES', ALG_ID.CALG_3DES, 24],
  ['two-key 3DES', ALG_ID.CALG_3DES_112, 16],
  ['DES', ALG_ID.CALG_DES, 8],
  ['128-bit RC2', ALG_ID.CALG_RC2, 16],
  ['40-bit RC2', ALG_ID.CALG_RC2, 5],
  ['40-bit RC4', ALG_ID.CALG_RC4, 5],
  ['120-bit RC4', ALG_ID.CALG_RC4, 15],
];

describe('a classic record', () => {
  it.each(KEYS)(
    'of a key for %s opens, and commits to it where it cannot be searched for',
    async (_name, algorithm, keyLength) => {
      const { bytes, key, signer, openers, simpleBlob } = await classicRecord(
        { algorithm },
        keyLength,
      );
      const record = verifyKeyRecord(bytes, pinned(signer));
      expect(record.parts.profile).toBe('classic');
      expect(record.parts.simpleBlob).toEqual(simpleBlob);
      const { commitment, bind } = record.metadata;
      const isLong = keyLength >= 16;
      expect([commitment !== undefined, bind !== undefined]).toEqual([isLong, isLong]);
      using opened = await openKeyRecord(record, openers);
      expect(opened.bytes).toEqual(key);
    },
  );

  it('of a short key with a commitment is refused, and one of a long key without', async () => {
    const { signer, simpleBlob, openers, key } = await classicRecord();
    using short = SecretBytes.random(5);
    // Metadata made for a 40-bit key carries neither, so that a long key's blob comes with neither.
    const without = await sealClassicRecord(short, simpleBlob, sampleMetadata(), {
      signer,
      signingTime: NOW,
    });
    expect(decodeKeyRecord(without).metadata.bind).toBeUndefined();
    const record = verifyKeyRecord(without, pinned(signer));
    expect(await codeOfAsync(openKeyRecord(record, openers))).toBe('KEY_COMMITMENT_MISMATCH');

    const rc4 = await classicRecord({ algorithm: ALG_ID.CALG_RC4 }, 5);
    using long = SecretBytes.copy(key);
    const metadata = sampleMetadata({ algorithm: ALG_ID.CALG_RC4 });
    const withCommitment = await sealClassicRecord(long, rc4.simpleBlob, metadata, {
      signer,
      signingTime: NOW,
    });
    const other = verifyKeyRecord(withCommitment, pinned(signer));
    expect(await codeOfAsync(openKeyRecord(other, rc4.openers))).toBe('KEY_COMMITMENT_MISMATCH');
  });

  it('is refused where its blob is of another algorithm than its metadata', async () => {
    const { signer, simpleBlob } = await classicRecord();
    using key = SecretBytes.random(32);
    const metadata = sampleMetadata({ algorithm: ALG_ID.CALG_RC4 });
    const sealing = sealClassicRecord(key, simpleBlob, metadata, { signer, signingTime: NOW });
    expect(await codeOfAsync(sealing)).toBe('PARAMETER_INVALID');
  });

  it('fails with one code where another RSA key of that size opens it', async () => {
    const { bytes, signer } = await classicRecord();
    const record = verifyKeyRecord(bytes, pinned(signer));
    const stranger = await testExchangeKey('rsa-2048');
    const opening = openKeyRecord(record, { exchangeKeys: [stranger] });
    expect(await codeOfAsync(opening)).toBe('KEY_UNWRAP_FAILED');
  });

  it('keeps no recipient through a re-wrap, and turns into an envelope of the same key', async () => {
    const { bytes, key, signer, openers } = await classicRecord();
    const record = verifyKeyRecord(bytes, pinned(signer));
    const options = { add: [passwordRecipient(FAST_PBKDF2)], signer, signingTime: NOW };
    const kept = rewrapKeyRecord(record, openers, { ...options, keep: [0] });
    expect(await codeOfAsync(kept)).toBe('PARAMETER_INVALID');
    const envelope = verifyKeyRecord(
      await rewrapKeyRecord(record, openers, { ...options, keep: [] }),
      pinned(signer),
    );
    expect(envelope.parts.profile).toBe('envelope');
    expect(envelope.metadata.commitment).toEqual(record.metadata.commitment);
    using opened = await openKeyRecord(envelope, { password: secretOf(PASSWORD) });
    expect(opened.bytes).toEqual(key);
  });

  it('turns into a ktri recipient and back without a byte changed', async () => {
    const { simpleBlob, exchangeKeys } = await classicRecord();
    const info = simpleBlobToRecipientInfo(simpleBlob, exchangeKeys[0]!.keyId);
    expect(info).toMatchObject({ type: 'rsa-pkcs1', keyId: exchangeKeys[0]!.keyId });
    expect(recipientInfoToSimpleBlob(info, ALG_ID.CALG_AES_256)).toEqual(simpleBlob);
  });
});

describe('an envelope of a 40-bit key', () => {
  const sealed = async () => {
    const [signer, key] = [await testIdentity(), await testExchangeKey()];
    using secret = SecretBytes.random(5);
    const metadata = sampleMetadata({ algorithm: ALG_ID.CALG_RC4, effectiveBits: 40 });
    const recipients = [key.recipient()];
    const bytes = await sealKeyRecord(secret, metadata, { recipients, signer, signingTime: NOW });
    const record = verifyKeyRecord(bytes, pinned(signer));
    return { record, signer, key, secret: Uint8Array.from(secret.bytes) };
  };

  it('carries commitment and bind, which the content-encryption key makes unsearchable', async () => {
    const { record, key, secret } = await sealed();
    expect(record.metadata.commitment).toHaveLength(32);
    using opened = await openKeyRecord(record, { exchangeKeys: [key] });
    expect(opened.bytes).toEqual(secret);
  });

  it.each([
    ['with its recipient kept', [0]],
    ['with none kept', []],
  ])('keeps key and commitment through two re-wraps, %s', async (_how, keep) => {
    const { record, signer, key, secret } = await sealed();
    let current = record;
    for (let round = 0; round < 2; round++) {
      const add = keep.length === 0 || round === 0 ? [key.recipient()] : [];
      const next = await rewrapKeyRecord(
        current,
        { exchangeKeys: [key] },
        { keep, add, signer, signingTime: NOW },
      );
      current = verifyKeyRecord(next, pinned(signer));
    }
    expect(current.metadata.recordVersion).toBe(3);
    expect(current.metadata.commitment).toEqual(record.metadata.commitment);
    using opened = await openKeyRecord(current, { exchangeKeys: [key] });
    expect(opened.bytes).toEqual(secret);
  });
});
