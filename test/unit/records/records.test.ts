import { describe, expect, it } from 'vitest';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { openKeyRecord } from '../../../lib/records/open.ts';
import { rewrapKeyRecord } from '../../../lib/records/rewrap.ts';
import { sealKeyRecord } from '../../../lib/records/seal.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { findAmong } from '../../../lib/messages/verify-message.ts';
import { FAST_PBKDF2, NOW, sampleMetadata, secretOf } from '../../support/sample-records.ts';
import { testIdentity } from '../../support/signing-identity.ts';

async function passwordRecord(password: string) {
  const signer = await testIdentity();
  const key = SecretBytes.random(32);
  const recipients = [
    { type: 'password', password: secretOf(password), kdf: FAST_PBKDF2 },
  ] as const;
  const bytes = await sealKeyRecord(key, sampleMetadata(), {
    recipients,
    signer,
    signingTime: NOW,
  });
  return { bytes, key, signer };
}

describe('a key record', () => {
  it('opens with its password, verified, to the same key', async () => {
    const { bytes, key, signer } = await passwordRecord('open sesame');
    const record = verifyKeyRecord(bytes, {
      findSigner: findAmong([{ ...signer, trust: 'pinned' as const }]),
    });
    using opened = await openKeyRecord(record, { password: secretOf('open sesame') });
    expect(opened.bytes).toEqual(key.bytes);
    expect(record.metadata.attributes).toEqual([['owner', 'Ω']]);
  });

  it('refuses another password with one code', async () => {
    const { bytes, signer } = await passwordRecord('open sesame');
    const record = verifyKeyRecord(bytes, {
      findSigner: findAmong([{ ...signer, trust: 'pinned' as const }]),
    });
    await expect(
      openKeyRecord(record, { password: secretOf('open barley') }),
    ).rejects.toMatchObject({ code: 'PASSWORD_WRONG' });
  });

  it('refuses a signer that is not pinned, before anything else is believed', async () => {
    const { bytes } = await passwordRecord('x');
    expect(() => verifyKeyRecord(bytes, { findSigner: findAmong([]) })).toThrow(
      expect.objectContaining({ code: 'BLOB_SIGNER_NOT_TRUSTED' }) as Error,
    );
  });

  it('keeps key, id and commitment through a re-wrap, and counts its version', async () => {
    const { bytes, key, signer } = await passwordRecord('one');
    const pins = { findSigner: findAmong([{ ...signer, trust: 'pinned' as const }]) };
    const record = verifyKeyRecord(bytes, pins);
    const recipients = [{ type: 'password', password: secretOf('two'), kdf: FAST_PBKDF2 }] as const;
    const next = await rewrapKeyRecord(
      record,
      { password: secretOf('one') },
      { keep: [0], add: recipients, signer, signingTime: NOW },
    );
    const rewrapped = verifyKeyRecord(next, pins);
    expect(rewrapped.metadata.recordVersion).toBe(2);
    expect(rewrapped.metadata.commitment).toEqual(record.metadata.commitment);
    for (const password of ['one', 'two']) {
      using opened = await openKeyRecord(rewrapped, { password: secretOf(password) });
      expect(opened.bytes).toEqual(key.bytes);
    }
  });
});
