/** DPAPI-NG opened without Windows: with the root keys of real forests, and with what was made here for the other kinds of recipient. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../../lib/bytes/octets.ts';
import {
  encodeProtectedData,
  type ProtectedDataRecipient,
} from '../../../lib/cms/protected-data.ts';
import { makeCondition } from '../../../lib/cms/protection-condition.ts';
import { sealAesGcm } from '../../../lib/keys/aes-gcm.ts';
import { wrapAesKey } from '../../../lib/keys/aes-key-wrap.ts';
import { wrapRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { deriveGroupKey, type GroupRootKey } from '../../../lib/legacy/dpapi-ng/group-key.ts';
import { deriveKeyEncryptionKey } from '../../../lib/legacy/dpapi-ng/key-encryption-key.ts';
import { openProtectedSecret } from '../../../lib/legacy/dpapi-ng/open-protected-secret.ts';
import {
  securityDescriptorOfSddl,
  securityDescriptorOfSid,
} from '../../../lib/legacy/dpapi-ng/security-descriptor.ts';
import { encodeGroupKeyIdentifier } from '../../../lib/windows-files/group-key-identifier.ts';
import { encodeKdfParameters } from '../../../lib/windows-files/kdf-parameters.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);
const SECRET = new TextEncoder().encode('the secret');
const CONTENT_KEY = bytes(32, 9);

/** A blob for these recipients, which all wrap CONTENT_KEY. */
async function protect(...recipients: ProtectedDataRecipient[]): Promise<Uint8Array> {
  const nonce = bytes(12);
  const { ciphertext, tag } = sealAesGcm({ key: CONTENT_KEY, nonce, plaintext: SECRET });
  const content = concatBytes(ciphertext, tag);
  return encodeProtectedData({ recipients, nonce, ciphertext: content, content: 'inside' });
}

const wrapped = (kek: Uint8Array): Uint8Array => wrapAesKey(kek, SecretBytes.copy(CONTENT_KEY));

function forLocal(kek: Uint8Array): ProtectedDataRecipient {
  const condition = makeCondition('LOCAL', 'user');
  return { kind: 'condition', keyIdentifier: bytes(8, 5), condition, encryptedKey: wrapped(kek) };
}

const ROOT_KEY: GroupRootKey = {
  rootKeyId: '00112233-4455-6677-8899-AABBCCDDEEFF',
  kdfAlgorithm: 'SP800_108_CTR_HMAC',
  kdfParameters: encodeKdfParameters('SHA384'),
  secretAgreementAlgorithm: 'ECDH_P521',
  secretAgreementParameters: new Uint8Array(),
  privateKeyLength: 521,
  publicKeyLength: 521,
  key: bytes(64, 3),
};
const IDENTIFIER = {
  flags: 2,
  l0: 361,
  l1: 0,
  l2: 31,
  rootKeyId: ROOT_KEY.rootKeyId.toLowerCase(),
  keyInfo: bytes(32, 7),
  domain: 'domain.test',
  forest: 'forest.test',
};

function forSddl(sddl: string): ProtectedDataRecipient {
  using groupKey = deriveGroupKey(ROOT_KEY, securityDescriptorOfSddl(sddl), IDENTIFIER);
  using kek = deriveKeyEncryptionKey(ROOT_KEY, groupKey, IDENTIFIER);
  return {
    kind: 'condition',
    keyIdentifier: encodeGroupKeyIdentifier(IDENTIFIER),
    condition: makeCondition('SDDL', sddl),
    encryptedKey: wrapped(kek.bytes),
  };
}

describe('a security descriptor', () => {
  test('of a SID lets the account open and everybody protect', () => {
    const sid = 'S-1-5-21-1-2-3-500';
    expect(toHex(securityDescriptorOfSid(sid))).toBe(
      [
        '01000480 54000000 60000000 00000000 14000000',
        '0200 4000 0200 0000',
        '0000 2400 03000000 010500000000000515000000010000000200000003000000f4010000',
        '0000 1400 02000000 010100000000000100000000',
        '010100000000000512000000 010100000000000512000000',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  test('of the SDDL that says the same is the same', () => {
    const sid = 'S-1-5-5-0-290724';
    expect(securityDescriptorOfSddl(`O:SYG:SYD:(A;;CCDC;;;${sid})(A;;0x2;;;WD)`)).toEqual(
      securityDescriptorOfSid(sid),
    );
  });

  test.each([
    '',
    'O:SYG:SY',
    'O:SYG:SYD:(D;;CC;;;WD)',
    'O:SYG:SYD:(A;;GA;;;WD)',
    'O:SYG:SYD:P(A;;CC;;;WD)',
  ])('is not made of %j', (sddl) => {
    expect(() => securityDescriptorOfSddl(sddl)).toThrow(
      expect.objectContaining({ code: 'NOT_SUPPORTED' }) as Error,
    );
  });
});

describe('a blob that was made here', () => {
  const kek = bytes(32, 8);
  const openLocal = async () => SecretBytes.copy(kek);

  test('opens with what DPAPI keeps locally', async () => {
    using secret = await openProtectedSecret(await protect(forLocal(kek)), { openLocal });
    expect(secret.bytes).toEqual(SECRET);
  });

  test("opens with a certificate's key, and not with another one", async () => {
    const [rsa, other] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 1024 }));
    const encryptedKey = wrapRsaPkcs1(rsa!.publicKey, SecretBytes.copy(CONTENT_KEY));
    const blob = await protect({ kind: 'certificate', thumbprint: bytes(20), encryptedKey });
    const certificateKeys = [other!.privateKey, rsa!.privateKey];
    using secret = await openProtectedSecret(blob, { certificateKeys });
    expect(secret.bytes).toEqual(SECRET);
    await expect(
      openProtectedSecret(blob, { certificateKeys: [other!.privateKey] }),
    ).rejects.toMatchObject({ code: 'KEY_UNWRAP_FAILED' });
  });

  test('opens with the root key for SDDL', async () => {
    const blob = await protect(forSddl('O:SYG:SYD:(A;;CCDC;;;S-1-5-18)(A;;DC;;;WD)'));
    using secret = await openProtectedSecret(blob, { rootKeys: [ROOT_KEY] });
    expect(secret.bytes).toEqual(SECRET);
  });

  test('opens with any one of its recipients', async () => {
    const blob = await protect(forLocal(bytes(32, 4)), forLocal(kek));
    using secret = await openProtectedSecret(blob, { openLocal });
    expect(secret.bytes).toEqual(SECRET);
  });

  test('does not open without a key of it', async () => {
    const blob = await protect(forLocal(kek), forSddl('O:SYG:SYD:(A;;CC;;;WD)'));
    const otherRoot = { ...ROOT_KEY, rootKeyId: '11112233-4455-6677-8899-aabbccddeeff' };
    for (const keys of [{}, { openLocal: async () => undefined }, { rootKeys: [otherRoot] }])
      await expect(openProtectedSecret(blob, keys)).rejects.toMatchObject({
        code: 'KEY_NOT_FOUND',
      });
  });

  test('tells nothing of what did not fit', async () => {
    const blob = await protect(forLocal(kek));
    const wrong = [
      openProtectedSecret(blob, { openLocal: async () => SecretBytes.copy(bytes(32)) }),
      openProtectedSecret(blob, { openLocal: async () => SecretBytes.copy(bytes(16)) }),
      openProtectedSecret(blob.with(blob.length - 1, blob.at(-1)! ^ 1), { openLocal }),
    ];
    const errors = await Promise.all(wrong.map((each) => each.catch((error: unknown) => error)));
    expect(new Set(errors.map((error) => JSON.stringify(error)))).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'KEY_UNWRAP_FAILED' });
  });

  test('for all of several conditions is refused as what is not known', async () => {
    const recipients = [forLocal(kek), forLocal(kek)];
    const blob = await protect({ kind: 'all-of', recipients, encryptedKey: wrapped(kek) });
    await expect(openProtectedSecret(blob, { openLocal })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
  });

  test('with a damaged key identifier is malformed', async () => {
    const condition = makeCondition('SID', 'S-1-5-18');
    const keyIdentifier = bytes(8);
    const recipient = {
      kind: 'condition' as const,
      keyIdentifier,
      condition,
      encryptedKey: bytes(40),
    };
    await expect(
      openProtectedSecret(await protect(recipient), { rootKeys: [ROOT_KEY] }),
    ).rejects.toMatchObject({ code: 'BLOB_MALFORMED', format: 'KDSK' });
  });
});

interface RootKeyVector {
  readonly RootKeyId: string;
  readonly KdfAlgorithm: string;
  readonly KdfParameters: string;
  readonly SecretAgreementAlgorithm: string;
  readonly SecretAgreementParameters: string;
  readonly PrivateKeyLength: number;
  readonly PublicKeyLength: number;
  readonly RootKeyData: string;
  readonly Data1?: string;
}

interface Vector {
  readonly name: string;
  readonly root_key?: RootKeyVector;
  readonly protected_blob?: string;
  readonly plaintext: string;
  readonly sid: string;
  readonly l0_l1_l2: readonly [number, number, number];
  readonly l2_key: string;
}

function rootKeyOf(vector: RootKeyVector): GroupRootKey {
  return {
    rootKeyId: vector.RootKeyId,
    kdfAlgorithm: vector.KdfAlgorithm,
    kdfParameters: fromHex(vector.KdfParameters)!,
    secretAgreementAlgorithm: vector.SecretAgreementAlgorithm,
    secretAgreementParameters: fromHex(vector.SecretAgreementParameters)!,
    privateKeyLength: vector.PrivateKeyLength,
    publicKeyLength: vector.PublicKeyLength,
    key: fromHex(vector.RootKeyData)!,
  };
}

describeShared('blobs of real forests', () => {
  const { vectors } = sharedJson('vectors/dpapi-ng.json') as { vectors: Vector[] };
  const decidable = vectors.filter(({ root_key: rootKey }) => rootKey !== undefined);

  test('eight come with their root keys; the other seven blobs, and four structures, are read elsewhere', () => {
    expect(decidable).toHaveLength(8);
    expect(vectors).toHaveLength(8 + 7 + 4);
  });

  describe.each(decidable)('$name', (vector) => {
    const rootKey = rootKeyOf(vector.root_key!);
    const [l0, l1, l2] = vector.l0_l1_l2;
    const descriptor = securityDescriptorOfSid(vector.sid);

    test('opens with the root key', async () => {
      using secret = await openProtectedSecret(fromHex(vector.protected_blob!)!, {
        rootKeys: [rootKey],
      });
      expect(toHex(secret.bytes)).toBe(vector.plaintext);
    });

    test('has the group key that another implementation derived', () => {
      using groupKey = deriveGroupKey(rootKey, descriptor, { l0, l1, l2 });
      expect(toHex(groupKey.bytes)).toBe(vector.l2_key);
    });

    test('opens with the group keys of its own interval and of later ones', async () => {
      const later = [
        { l1, l2 },
        { l1, l2: l2 + 1 },
        { l1: l1 + 1, l2: 0 },
        { l1: 31, l2: 31 },
      ];
      for (const interval of later) {
        using l2Key = deriveGroupKey(rootKey, descriptor, { l0, ...interval });
        // A controller gives the L1 key of this interval at its end, otherwise that of the one before.
        const l1Key = l1KeyOf(rootKey, descriptor, { l0, ...interval });
        const envelope = { ...rootKey, flags: 2, l0, ...interval, domain: '', forest: '' };
        const groupKeys = [{ ...envelope, l1Key, l2Key: l2Key.bytes }];
        using secret = await openProtectedSecret(fromHex(vector.protected_blob!)!, { groupKeys });
        expect(toHex(secret.bytes)).toBe(vector.plaintext);
      }
    });

    test('does not open with the group keys of earlier intervals', async () => {
      for (const interval of [
        { l0, l1, l2: l2 - 1 },
        { l0, l1: l1 - 1, l2: 31 },
        { l0: l0 - 1, l1, l2 },
      ]) {
        const envelope = { ...rootKey, flags: 2, ...interval, domain: '', forest: '' };
        const groupKeys = [{ ...envelope, l1Key: bytes(64), l2Key: bytes(64) }];
        await expect(
          openProtectedSecret(fromHex(vector.protected_blob!)!, { groupKeys }),
        ).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      }
    });
  });

  test('a blob by secret and one by public key of one root key both open', async () => {
    const [both] = decidable.flatMap(({ root_key: rootKey }) => (rootKey?.Data1 ? [rootKey] : []));
    using secret = await openProtectedSecret(fromHex(both!.Data1!.toLowerCase())!, {
      rootKeys: [rootKeyOf(both!)],
    });
    expect(toHex(secret.bytes)).toBe('00');
  });
});

/** The L1 key of an envelope, by the formulas of [MS-GKDI] 3.1.4.1 and SP 800-108 on createHmac alone. */
function l1KeyOf(
  { rootKeyId, kdfParameters, key }: GroupRootKey,
  descriptor: Uint8Array,
  { l0, l1, l2 }: { l0: number; l1: number; l2: number },
): Uint8Array {
  const hash = Buffer.from(kdfParameters).toString('utf16le', 16).replace('\0', '').toLowerCase();
  const digits = rootKeyId.replaceAll('-', '');
  const guid = Buffer.from(digits, 'hex');
  guid.subarray(0, 4).reverse();
  guid.subarray(4, 6).reverse();
  guid.subarray(6, 8).reverse();
  const step = (
    from: Uint8Array,
    index: number,
    more: Uint8Array = new Uint8Array(),
  ): Uint8Array => {
    const indices = Buffer.alloc(12, 0xff);
    indices.writeInt32LE(l0);
    indices.writeInt32LE(index, 4);
    const label = Buffer.from('KDS service\0\0', 'utf16le').subarray(0, 25);
    const message = Buffer.concat([label, guid, indices, more, Buffer.from([0, 0, 2, 0])]);
    const blocks = [1, 2].map((round) =>
      createHmac(hash, from)
        .update(Buffer.from([0, 0, 0, round]))
        .update(message)
        .digest(),
    );
    return Buffer.concat(blocks).subarray(0, 64);
  };
  let l1Key = step(step(key, -1), 31, descriptor);
  for (let index = 30; index >= (l2 === 31 ? l1 : l1 - 1); index--) l1Key = step(l1Key, index);
  return l1Key;
}
