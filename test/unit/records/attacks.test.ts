/** What somebody could try who can write records, sign with a key of his own, or open the record himself. */
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../lib/blobs/plaintext-key-blob.ts';
import { copyBytes } from '../../../lib/bytes/octets.ts';
import {
  decodeAuthEnvelopedData,
  encodeAuthEnvelopedData,
} from '../../../lib/cms/auth-enveloped-data.ts';
import { encodeKeyMetadata } from '../../../lib/cms/metadata.ts';
import type { RecipientInfo } from '../../../lib/cms/recipient-info.ts';
import { decodeSignedData } from '../../../lib/cms/signed-data.ts';
import { sealAesGcm } from '../../../lib/keys/aes-gcm.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { wrapRsaOaep } from '../../../lib/keys/rsa-oaep.ts';
import { signedMessage, type SigningIdentity } from '../../../lib/messages/sign-message.ts';
import { encodeBoundMetadata } from '../../../lib/records/commitment.ts';
import { decodeKeyRecord } from '../../../lib/records/decode.ts';
import { openKeyRecord } from '../../../lib/records/open.ts';
import { rewrapKeyRecord } from '../../../lib/records/rewrap.ts';
import { sealKeyRecord } from '../../../lib/records/seal.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import { testExchangeKey, type TestExchangeKey } from '../../support/exchange-key.ts';
import {
  FAST_PBKDF2,
  NOW,
  PASSWORD,
  passwordRecipient,
  pinned,
  sampleMetadata,
  sampleRecord,
  secretOf,
  type SampleRecord,
} from '../../support/sample-records.ts';
import { testIdentity } from '../../support/signing-identity.ts';

/** The content of a record under another signature. */
async function resigned(record: Uint8Array, signer: SigningIdentity): Promise<Uint8Array> {
  const { content } = decodeSignedData(
    record,
    ['contentInfo', 'keyBlob'],
    (keyId, certificate) => ({
      keyId,
      certificate,
      publicKey: keyId,
    }),
  ).message;
  const { metadata } = decodeKeyRecord(record);
  const der = encodeKeyMetadata(metadata);
  return signedMessage(signer, { type: 'contentInfo', content, signingTime: NOW, metadata: der });
}

describe("another's envelope, re-signed as one's own", () => {
  it('is refused by bind although its signer is pinned and its recipient is right', async () => {
    const { bytes, openers } = await sampleRecord('P-256');
    const thief = await testIdentity();
    const record = verifyKeyRecord(await resigned(bytes, thief), pinned(thief));
    expect(await codeOfAsync(openKeyRecord(record, openers))).toBe('KEY_COMMITMENT_MISMATCH');
  });

  it('is refused by bind with a password, and with fresh metadata around the old commitment', async () => {
    const { bytes, openers } = await sampleRecord('PBKDF2 password');
    const thief = await testIdentity();
    const record = verifyKeyRecord(await resigned(bytes, thief), pinned(thief, 'password'));
    expect(await codeOfAsync(openKeyRecord(record, openers))).toBe('KEY_COMMITMENT_MISMATCH');
  });

  it('is refused before anything of it is used where its signer is not pinned', async () => {
    const { bytes, signer } = await sampleRecord('P-256');
    const forged = await resigned(bytes, await testIdentity());
    expect(codeOf(() => verifyKeyRecord(forged, pinned(signer)))).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });

  it("is refused where the thief takes the owner's key identifier, with his own certificate or the owner's", async () => {
    const { bytes, signer } = await sampleRecord('P-256');
    const thief = await testIdentity();
    for (const certificate of [thief.certificate, signer.certificate]) {
      const forged = await resigned(bytes, { ...thief, keyId: signer.keyId, certificate });
      const code = codeOf(() => verifyKeyRecord(forged, pinned(signer)));
      expect(code).toBe('BLOB_SIGNATURE_INVALID');
    }
  });
});

/** An envelope record with any content, any recipients and metadata bound to any key: what only a pinned signer could make. */
async function craftedRecord(parts: {
  readonly signer: SigningIdentity;
  readonly recipients: readonly RecipientInfo[];
  readonly contentKey: Uint8Array;
  readonly keyBlob: Uint8Array;
  readonly boundTo: Uint8Array;
}): Promise<Uint8Array> {
  const { signer, recipients, contentKey, keyBlob, boundTo } = parts;
  const nonce = new Uint8Array(randomBytes(12));
  const sealed = sealAesGcm({ key: contentKey, nonce, plaintext: keyBlob });
  using sessionKey = SecretBytes.copy(boundTo);
  using bindKey = SecretBytes.copy(contentKey);
  const metadata = encodeBoundMetadata(
    { sessionKey, contentKey: bindKey },
    sampleMetadata(),
    signer.publicKey,
  );
  return signedMessage(signer, {
    type: 'contentInfo',
    content: encodeAuthEnvelopedData({ recipients, nonce, ...sealed }),
    signingTime: NOW,
    metadata,
  });
}

function oaep(key: TestExchangeKey, contentKey: Uint8Array): RecipientInfo {
  using secret = SecretBytes.copy(contentKey);
  const encryptedKey = wrapRsaOaep(createPublicKey(key.privateKey), 'sha256', secret);
  return { type: 'rsa-oaep', keyId: key.keyId, hash: 'sha256', encryptedKey };
}

const aes256 = (key: Uint8Array) => encodePlaintextKeyBlob({ algId: ALG_ID.CALG_AES_256, key });

describe("a recipient's certificate that claims the owner's key identifier", () => {
  it.each(['p-256', 'rsa-2048'] as const)(
    'shuts out nobody, where the owner is of %s',
    async (kind) => {
      const owner = await testExchangeKey(kind);
      const signer = await testIdentity();
      using key = SecretBytes.random(32);
      for (const claimant of ['p-256', 'p-384', 'rsa-2048'] as const) {
        const stranger = { ...(await testExchangeKey(claimant)), keyId: owner.keyId };
        const recipients = [
          ...Array.from({ length: 3 }, () => ({ ...stranger.recipient(), keyId: owner.keyId })),
          owner.recipient(),
        ];
        const bytes = await sealKeyRecord(key, sampleMetadata(), {
          recipients,
          signer,
          signingTime: NOW,
        });
        const record = verifyKeyRecord(bytes, pinned(signer));
        for (const opener of [owner, stranger]) {
          using opened = await openKeyRecord(record, { exchangeKeys: [opener] });
          expect(opened.bytes).toEqual(key.bytes);
        }
      }
    },
  );
});

describe('a record that its own signer made wrong', () => {
  const crafted = async (
    keyBlob: Uint8Array,
    boundTo: Uint8Array,
    contentKey: Uint8Array = randomBytes(32),
  ) => {
    const [signer, key] = [await testIdentity(), await testExchangeKey('rsa-2048')];
    const recipients = [oaep(key, contentKey)];
    const bytes = await craftedRecord({ signer, recipients, contentKey, keyBlob, boundTo });
    return openKeyRecord(verifyKeyRecord(bytes, pinned(signer)), { exchangeKeys: [key] });
  };

  it('opens where nothing is wrong', async () => {
    const key = randomBytes(32);
    using opened = await crafted(aes256(key), key);
    expect(Buffer.from(opened.bytes)).toEqual(key);
  });

  it('is refused where it holds another key than the one it commits to', async () => {
    const code = await codeOfAsync(crafted(aes256(randomBytes(32)), randomBytes(32)));
    expect(code).toBe('KEY_COMMITMENT_MISMATCH');
  });

  it('is refused where its key is of another algorithm than its metadata', async () => {
    const key = randomBytes(32);
    const rc4 = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC4, key });
    expect(await codeOfAsync(crafted(rc4, key))).toBe('KEY_COMMITMENT_MISMATCH');
  });

  it('is refused, without saying more, where its content is no PLAINTEXTKEYBLOB', async () => {
    const key = randomBytes(32);
    expect(await codeOfAsync(crafted(randomBytes(44), key))).toBe('KEY_COMMITMENT_MISMATCH');
  });

  it.each([16, 24])(
    'is refused where a content-encryption key of %i bytes stands for AES-256',
    async (length) => {
      const key = randomBytes(32);
      const code = await codeOfAsync(crafted(aes256(key), key, randomBytes(length)));
      expect(code).toBe('KEY_UNWRAP_FAILED');
    },
  );
});

describe('a PKCS#1 v1.5 recipient', () => {
  /** Raw RSA of a whole block. */
  const block = (key: TestExchangeKey, em: Uint8Array) =>
    publicEncrypt({ key: createPublicKey(key.privateKey), padding: constants.RSA_NO_PADDING }, em);
  const padded = (type: number, paddingLength: number, key: Uint8Array) => {
    const padding = Buffer.alloc(paddingLength, 0x77);
    return Uint8Array.from([0, type, ...padding, 0, ...key]);
  };

  it('fails in one and the same way, whatever is wrong with its block', async () => {
    const [signer, key] = [await testIdentity(), await testExchangeKey('rsa-2048')];
    const [contentKey, sessionKey] = [randomBytes(32), randomBytes(32)];
    const blocks = {
      'no separator': Uint8Array.from([0, 2, ...Buffer.alloc(254, 0x77)]),
      'block type 1': padded(1, 221, contentKey),
      'a first byte that is not zero': Uint8Array.from([
        1,
        ...padded(2, 221, contentKey).subarray(1),
      ]),
      'seven bytes of padding': padded(2, 7, randomBytes(246)),
      'a key of 16 bytes': padded(2, 237, contentKey.subarray(0, 16)),
      'a key of no bytes': padded(2, 253, new Uint8Array(0)),
      'another key': padded(2, 221, randomBytes(32)),
    };
    const failures = new Map<string, string>();
    for (const [what, em] of Object.entries(blocks)) {
      // A first byte of 1 may make a number above the modulus, which RSA itself refuses: no block at all then.
      let encryptedKey: Uint8Array;
      try {
        encryptedKey = new Uint8Array(block(key, em));
      } catch {
        encryptedKey = new Uint8Array(randomBytes(256));
        encryptedKey[0] = 0;
      }
      const recipients = [{ type: 'rsa-pkcs1', keyId: key.keyId, encryptedKey }] as const;
      const keyBlob = aes256(sessionKey);
      const boundTo = sessionKey;
      const bytes = await craftedRecord({ signer, recipients, contentKey, keyBlob, boundTo });
      const record = verifyKeyRecord(bytes, pinned(signer));
      const failure = await openKeyRecord(record, { exchangeKeys: [key] }).catch((error) => error);
      failures.set(what, JSON.stringify({ ...failure.toJSON(), cause: failure.cause }));
    }
    expect(new Set(failures.values()).size).toBe(1);
    expect(failures.get('another key')).toContain('"code":"KEY_UNWRAP_FAILED"');
  });
});

describe('a signer who is trusted for passwords only', () => {
  it('opens nothing but its password recipients, whatever keys are at hand', async () => {
    const { bytes, key, signer, exchangeKeys } = await sampleRecord('all recipients together');
    const record = verifyKeyRecord(bytes, pinned(signer, 'password'));
    expect(await codeOfAsync(openKeyRecord(record, { exchangeKeys }))).toBe('PASSWORD_REQUIRED');
    for (const index of record.recipients.keys())
      expect(codeOf(() => record.wrappedKey(index))).toBe('NO_RECIPIENT');
    using opened = await openKeyRecord(record, { exchangeKeys, password: secretOf(PASSWORD) });
    expect(opened.bytes).toEqual(key);
  });
});

describe('a record of another place', () => {
  const refused = async (
    expected: { id?: string; version?: number; storeId?: Uint8Array },
    sample: SampleRecord,
  ) => codeOf(() => verifyKeyRecord(sample.bytes, { ...pinned(sample.signer), ...expected }));

  it('is refused by id, by store and by version, each with its code', async () => {
    const sample = await sampleRecord('P-256', { recordVersion: 3 });
    expect(await refused({ version: 3, storeId: new Uint8Array(16).fill(7) }, sample)).toBe('none');
    expect(await refused({ id: '00'.repeat(16) }, sample)).toBe('RECORD_MISPLACED');
    expect(await refused({ storeId: new Uint8Array(16) }, sample)).toBe('RECORD_MISPLACED');
    expect(await refused({ version: 4 }, sample)).toBe('RECORD_ROLLED_BACK');
    expect(await refused({ version: 2 }, sample)).toBe('RECORD_ROLLED_BACK');
  });
});

describe('what a writer may ask for', () => {
  const seal = async (changes: Parameters<typeof sampleMetadata>[0]) => {
    const [signer, key] = [await testIdentity(), await testExchangeKey()];
    using secret = SecretBytes.random(32);
    const recipients = [key.recipient()];
    return sealKeyRecord(secret, sampleMetadata(changes), { recipients, signer, signingTime: NOW });
  };

  it.each<[string, Parameters<typeof sampleMetadata>[0]]>([
    ['a label of 256 bytes', { label: 'x'.repeat(256) }],
    ['a label that is long in UTF-8 only', { label: 'Ω'.repeat(128) }],
    ['a label with an escape sequence', { label: '\u001b[2J' }],
    ['a label with half a surrogate pair', { label: '\ud800' }],
    ['a purpose of 65 bytes', { purpose: 'x'.repeat(65) }],
    ['33 attributes', { attributes: Array.from({ length: 33 }, (_, i) => [`${i}`, ''] as const) }],
    ['an attribute without a name', { attributes: [['', 'x']] }],
    [
      'one attribute name twice',
      {
        attributes: [
          ['a', '1'],
          ['a', '2'],
        ],
      },
    ],
    ['an attribute of 1025 bytes', { attributes: [['a', 'x'.repeat(1025)]] }],
    ['record version 0', { recordVersion: 0 }],
    ['record version 1.5', { recordVersion: 1.5 }],
    ['a negative number of bits', { effectiveBits: -1 }],
    ['2,000 effective bits', { effectiveBits: 2000 }],
    ['a record id of 15 bytes', { recordId: new Uint8Array(15) }],
    ['a store id of 17 bytes', { storeId: new Uint8Array(17) }],
    ['a time that is none', { created: new Date(Number.NaN) }],
    ['a last day in the year 10000', { notAfter: new Date(253_402_300_800_000) }],
  ])('%s is refused when it is written', async (_what, changes) => {
    expect(await codeOfAsync(seal(changes))).toBe('PARAMETER_INVALID');
  });

  it('no recipient, 65 recipients, nine passwords and one recipient twice are refused', async () => {
    const [signer, key] = [await testIdentity(), await testExchangeKey()];
    using secret = SecretBytes.random(32);
    const options = { signer, signingTime: NOW };
    const many = (count: number) => Array.from({ length: count }, () => key.recipient());
    const sealed = (recipients: Parameters<typeof sealKeyRecord>[2]['recipients']) =>
      codeOfAsync(sealKeyRecord(secret, sampleMetadata(), { ...options, recipients }));
    expect(await sealed([])).toBe('PARAMETER_INVALID');
    expect(await sealed(many(65))).toBe('PARAMETER_INVALID');
    expect(await sealed(many(64))).toBe('none');
    const passwords = Array.from({ length: 9 }, () => passwordRecipient(FAST_PBKDF2));
    expect(await sealed(passwords)).toBe('PARAMETER_INVALID');
    expect(await sealed(passwords.slice(1))).toBe('none');

    const bytes = await sealKeyRecord(secret, sampleMetadata(), {
      ...options,
      recipients: [key.recipient()],
    });
    const twice = rewrapKeyRecord(
      verifyKeyRecord(bytes, pinned(signer)),
      { exchangeKeys: [key] },
      { keep: [0, 0], add: [], ...options },
    );
    expect(await codeOfAsync(twice)).toBe('PARAMETER_INVALID');
  });

  it('a session key longer than any algorithm has is refused', async () => {
    const [signer, key] = [await testIdentity(), await testExchangeKey()];
    using secret = SecretBytes.random(129);
    const recipients = [key.recipient()];
    const sealing = sealKeyRecord(secret, sampleMetadata(), {
      recipients,
      signer,
      signingTime: NOW,
    });
    expect(await codeOfAsync(sealing)).toBe('PARAMETER_INVALID');
  });
});

describe('errors of opening', () => {
  it('carry no key, no password and no blob', async () => {
    const { bytes, key, signer, exchangeKeys } = await sampleRecord('all recipients together');
    const record = verifyKeyRecord(bytes, pinned(signer));
    const { recipients } = decodeAuthEnvelopedData(
      decodeSignedData(bytes, ['contentInfo'], () => signer).message.content,
    );
    expect(recipients).toHaveLength(5);
    const stranger = await testExchangeKey();
    const failures = [
      await openKeyRecord(record, { password: secretOf('hunter2hunter2') }).catch((e) => e),
      await openKeyRecord(record, {
        exchangeKeys: [{ ...stranger, keyId: exchangeKeys[1]!.keyId }],
      }).catch((e) => e),
      await openKeyRecord(record, { exchangeKeys: [stranger] }).catch((e) => e),
    ];
    expect(failures.map(({ code }) => code)).toEqual([
      'PASSWORD_WRONG',
      'KEY_UNWRAP_FAILED',
      'PASSWORD_REQUIRED',
    ]);
    for (const failure of failures) {
      const text = `${JSON.stringify(failure)} ${String(failure.stack)} ${String(failure.cause)}`;
      expect(text).not.toContain('hunter2');
      expect(text).not.toContain(Buffer.from(key).toString('hex'));
      expect(failure.cause).toBeUndefined();
    }
    expect(copyBytes(record.parts.bytes)).toEqual(bytes);
  });

  it('a record that was not verified is not opened, whatever its shape', async () => {
    const { bytes, signer, openers } = await sampleRecord('P-256');
    const record = verifyKeyRecord(bytes, pinned(signer));
    const lookalike = Object.create(Object.getPrototypeOf(record) as object, {
      parts: { value: record.parts },
    }) as typeof record;
    expect(await codeOfAsync(openKeyRecord(lookalike, openers))).toBe('PARAMETER_INVALID');
  });
});
