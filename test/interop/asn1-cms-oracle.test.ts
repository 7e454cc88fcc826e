/** @peculiar/asn1-cms as a permanent oracle: it decodes all that we write and encodes it again byte for byte; ours opens what it writes. */
import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  pbkdf2Sync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import * as cms from '@peculiar/asn1-cms';
import { RsaEsOaepParams, RSAES_OAEP } from '@peculiar/asn1-rsa';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, SubjectKeyIdentifier } from '@peculiar/asn1-x509';
import { describe, expect, it } from 'vitest';
import { decodeKeyMetadata, encodeKeyMetadata } from '../../lib/cms/metadata.ts';
import { ECC_SHARED_INFO } from '../../lib/cms/recipient-info.ts';
import type { MessageType } from '../../lib/cms/signed-data.ts';
import type { SignatureScheme } from '../../lib/cms/algorithms.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { signedMessage } from '../../lib/messages/sign-message.ts';
import { openKeyRecord, type RecordOpeners } from '../../lib/records/open.ts';
import { rewrapKeyRecord } from '../../lib/records/rewrap.ts';
import { sealKeyRecord } from '../../lib/records/seal.ts';
import { verifyKeyRecord } from '../../lib/records/verify.ts';
import { testExchangeKey, type TestExchangeKey } from '../support/exchange-key.ts';
import {
  bound,
  CONTENT_INFO,
  decodeEnvelope,
  decodeMessage,
  encodeRecord,
  METADATA_OID,
  reencodeMessage,
} from '../support/asn1-oracle.ts';
import {
  EccCmsSharedInfo,
  KeycaskMetadata,
  NameAndValue,
  NamesAndValues,
  Pbkdf2Params,
} from '../support/asn1-oracle-types.ts';
import {
  FAST_PBKDF2,
  NOW,
  PASSWORD,
  passwordRecipient,
  pinned,
  RECORD_KINDS,
  sampleMetadata,
  sampleRecord,
  secretOf,
} from '../support/sample-records.ts';
import { testIdentity, type TestKeyKind } from '../support/signing-identity.ts';

describe('asn1-cms', () => {
  it.each(RECORD_KINDS)('decodes a record of %s and encodes it byte for byte', async (kind) => {
    const { bytes } = await sampleRecord(kind);
    expect(reencodeMessage(bytes)).toEqual(bytes);
  });

  it('agrees on every field of the metadata', async () => {
    const notAfter = new Date('2031-01-01T00:00:00Z');
    const { bytes } = await sampleRecord('P-256', { notAfter, recordVersion: 70_000 });
    const der = decodeMessage(bytes).attributes.get(METADATA_OID)!;
    const theirs = AsnConvert.parse(der, KeycaskMetadata);
    const ours = decodeKeyMetadata(der);
    expect(theirs).toMatchObject({
      version: 1,
      recordVersion: 70_000,
      label: 'reports',
      purpose: 'files',
      algorithm: 0x6610,
      effectiveBits: 256,
      created: NOW,
      notAfter,
      provenance: 1,
    });
    expect(new Uint8Array(theirs.commitment!.buffer)).toEqual(ours.commitment);
    expect(new Uint8Array(theirs.bind!.buffer)).toEqual(ours.bind);
    expect(theirs.attributes.map(({ name, value }) => [name, value])).toEqual(ours.attributes);
  });

  it.each<[TestKeyKind, SignatureScheme]>([
    ['rsa-2048', 'rsa-pkcs1-sha256'],
    ['rsa-2048', 'rsa-pss-sha256'],
    ['p-256', 'ecdsa-sha256'],
    ['p-384', 'ecdsa-sha384'],
  ])('encodes what a key of %s signed with %s byte for byte', async (kind, scheme) => {
    const signer = await testIdentity(kind, scheme);
    using key = SecretBytes.random(32);
    const recipients = [passwordRecipient(FAST_PBKDF2)];
    const options = { recipients, signer, signingTime: NOW };
    const bytes = await sealKeyRecord(key, sampleMetadata(), options);
    expect(reencodeMessage(bytes)).toEqual(bytes);
  });

  it('encodes a re-wrapped record of a year past 2049 byte for byte', async () => {
    const { bytes, signer, openers } = await sampleRecord('P-256');
    const next = await rewrapKeyRecord(verifyKeyRecord(bytes, pinned(signer)), openers, {
      keep: [0],
      add: [passwordRecipient(FAST_PBKDF2)],
      signer,
      signingTime: new Date('2051-02-03T04:05:06Z'),
    });
    expect(reencodeMessage(next)).toEqual(next);
  });

  it.each<MessageType>(['trust', 'manifestEntry', 'report', 'checkpoint'])(
    'encodes a message of type %s byte for byte',
    async (type) => {
      const signer = await testIdentity();
      const content = new Uint8Array(randomBytes(300));
      const bytes = await signedMessage(signer, { type, content, signingTime: NOW });
      expect(reencodeMessage(bytes)).toEqual(bytes);
      expect(decodeMessage(bytes).content).toEqual(content);
    },
  );

  it('has the envelope in version 0, without attributes', async () => {
    const { bytes } = await sampleRecord('all recipients together');
    const message = decodeMessage(bytes);
    const envelope = decodeEnvelope(message.content);
    expect(message.contentType).toBe(CONTENT_INFO);
    expect(envelope.version).toBe(0);
    expect(envelope.authAttrs).toBeUndefined();
    expect(envelope.recipientInfos).toHaveLength(5);
  });

  it('encodes our ECC-CMS-SharedInfo byte for byte', () => {
    const info = new EccCmsSharedInfo();
    info.keyInfo = new AlgorithmIdentifier({ algorithm: AES256_WRAP });
    info.suppPubInfo = new OctetString(Uint8Array.of(0, 0, 1, 0));
    expect(new Uint8Array(AsnConvert.serialize(info))).toEqual(ECC_SHARED_INFO);
  });
});

describe('a record that asn1-cms and node:crypto wrote', () => {
  const recordFor = async (
    recipient: (contentKey: Uint8Array, key?: TestExchangeKey) => cms.RecipientInfo,
    exchangeKey?: TestExchangeKey,
  ) => {
    const identity = await testIdentity();
    const [sessionKey, contentKey] = [randomBytes(32), randomBytes(32)];
    const metadata = new KeycaskMetadata();
    Object.assign(metadata, {
      recordId: new OctetString(randomBytes(16)),
      storeId: new OctetString(randomBytes(16)),
      label: 'written elsewhere',
      purpose: 'data',
      algorithm: 0x6610,
      effectiveBits: 256,
      created: NOW,
      provenance: 1,
    });
    const pair = Object.assign(new NameAndValue(), { name: 'owner', value: 'Ω' });
    metadata.attributes = new NamesAndValues([pair]);
    const bytes = encodeRecord({
      sessionKey,
      contentKey,
      nonce: randomBytes(12),
      blobHeader: Buffer.from('0802000010660000', 'hex'),
      metadata: bound(metadata, sessionKey, identity.publicKey),
      recipients: [recipient(contentKey, exchangeKey)],
      signer: identity,
      signingTime: NOW,
    });
    return { bytes, sessionKey, signer: identity };
  };

  const opened = async (
    { bytes, signer }: Awaited<ReturnType<typeof recordFor>>,
    openers: RecordOpeners,
  ) => {
    const record = verifyKeyRecord(bytes, pinned(signer));
    expect(encodeKeyMetadata(record.metadata)).toEqual(record.parts.metadataDer);
    using key = await openKeyRecord(record, openers);
    return Buffer.from(key.bytes);
  };

  it('for RSA-OAEP opens', async () => {
    const exchangeKey = await testExchangeKey('rsa-2048');
    const made = await recordFor((contentKey, key) => {
      const sha256 = new AlgorithmIdentifier({ algorithm: SHA256, parameters: NULL });
      const mgf1 = { algorithm: MGF1, parameters: AsnConvert.serialize(sha256) };
      const parameters = new RsaEsOaepParams({
        hashAlgorithm: sha256,
        maskGenAlgorithm: new AlgorithmIdentifier(mgf1),
      });
      return ktri(key!, RSAES_OAEP.algorithm, AsnConvert.serialize(parameters), contentKey);
    }, exchangeKey);
    expect(await opened(made, { exchangeKeys: [exchangeKey] })).toEqual(made.sessionKey);
  });

  it('for RSA PKCS#1 v1.5 opens', async () => {
    const exchangeKey = await testExchangeKey('rsa-2048');
    const made = await recordFor(
      (contentKey, key) => ktri(key!, RSA_ENCRYPTION, NULL, contentKey),
      exchangeKey,
    );
    expect(await opened(made, { exchangeKeys: [exchangeKey] })).toEqual(made.sessionKey);
  });

  it.each<[TestKeyKind & `p-${string}`, string, 'sha256' | 'sha384']>([
    ['p-256', '1.3.132.1.11.1', 'sha256'],
    ['p-384', '1.3.132.1.11.2', 'sha384'],
  ])('for ECDH on %s opens', async (kind, scheme, hash) => {
    const exchangeKey = await testExchangeKey(kind);
    const made = await recordFor(
      (contentKey, key) => kari(key!, kind, { scheme, hash }, contentKey),
      exchangeKey,
    );
    expect(await opened(made, { exchangeKeys: [exchangeKey] })).toEqual(made.sessionKey);
  });

  it('for a PBKDF2 password opens', async () => {
    const made = await recordFor(pwri);
    expect(await opened(made, { password: secretOf(PASSWORD) })).toEqual(made.sessionKey);
  });
});

function ktri(
  key: TestExchangeKey,
  algorithm: string,
  parameters: ArrayBuffer,
  contentKey: Uint8Array,
): cms.RecipientInfo {
  const padding =
    algorithm === RSA_ENCRYPTION
      ? { padding: constants.RSA_PKCS1_PADDING }
      : { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  return new cms.RecipientInfo({
    ktri: new cms.KeyTransRecipientInfo({
      version: cms.CMSVersion.v2,
      rid: new cms.RecipientIdentifier({ subjectKeyIdentifier: keyIdOf(key) }),
      keyEncryptionAlgorithm: new cms.KeyEncryptionAlgorithmIdentifier({ algorithm, parameters }),
      encryptedKey: new OctetString(
        publicEncrypt({ key: createPublicKey(key.privateKey), ...padding }, contentKey),
      ),
    }),
  });
}

function kari(
  key: TestExchangeKey,
  kind: TestKeyKind,
  { scheme, hash }: { readonly scheme: string; readonly hash: 'sha256' | 'sha384' },
  contentKey: Uint8Array,
): cms.RecipientInfo {
  const ephemeral = generateKeyPairSync('ec', { namedCurve: kind.toUpperCase() });
  const shared = diffieHellman({
    privateKey: ephemeral.privateKey,
    publicKey: createPublicKey(key.privateKey),
  });
  const wrap = AsnConvert.serialize(new AlgorithmIdentifier({ algorithm: AES256_WRAP }));
  const sharedInfo = Buffer.from('3015300b060960864801650304012da206040400000100', 'hex');
  const kek = createHash(hash)
    .update(shared)
    .update(Uint8Array.of(0, 0, 0, 1))
    .update(sharedInfo)
    .digest()
    .subarray(0, 32);
  const cipher = createCipheriv('id-aes256-wrap', kek, Buffer.alloc(8, 0xa6));
  const spki = ephemeral.publicKey.export({ type: 'spki', format: 'der' });
  const point = Uint8Array.from(spki.subarray(kind === 'p-256' ? -65 : -97)).buffer;
  return new cms.RecipientInfo({
    kari: new cms.KeyAgreeRecipientInfo({
      version: cms.CMSVersion.v3,
      originator: new cms.OriginatorIdentifierOrKey({
        originatorKey: new cms.OriginatorPublicKey({
          algorithm: new AlgorithmIdentifier({ algorithm: EC_PUBLIC_KEY }),
          publicKey: point,
        }),
      }),
      keyEncryptionAlgorithm: new cms.KeyEncryptionAlgorithmIdentifier({
        algorithm: scheme,
        parameters: wrap,
      }),
      recipientEncryptedKeys: new cms.RecipientEncryptedKeys([
        new cms.RecipientEncryptedKey({
          rid: new cms.KeyAgreeRecipientIdentifier({
            rKeyId: new cms.RecipientKeyIdentifier({ subjectKeyIdentifier: keyIdOf(key) }),
          }),
          encryptedKey: new OctetString(Buffer.concat([cipher.update(contentKey), cipher.final()])),
        }),
      ]),
    }),
  });
}

/** RFC 3211 section 2.3.1, with 12 bytes of padding. */
function pwri(contentKey: Uint8Array): cms.RecipientInfo {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  const kek = pbkdf2Sync(PASSWORD, salt, 2000, 32, 'sha256');
  const check = [...contentKey.subarray(0, 3)].map((byte) => byte ^ 0xff);
  const block = Buffer.concat([Uint8Array.of(32, ...check), contentKey, randomBytes(12)]);
  const pass = (chain: Uint8Array, data: Uint8Array) => {
    const cipher = createCipheriv('aes-256-cbc', kek, chain).setAutoPadding(false);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  };
  const inner = pass(iv, block);
  const parameters = Object.assign(new Pbkdf2Params(), {
    salt: new OctetString(salt),
    iterationCount: 2000,
    prf: new AlgorithmIdentifier({ algorithm: '1.2.840.113549.2.9', parameters: NULL }),
  });
  const cbc = new AlgorithmIdentifier({
    algorithm: '2.16.840.1.101.3.4.1.42',
    parameters: AsnConvert.serialize(new OctetString(iv)),
  });
  return new cms.RecipientInfo({
    pwri: new cms.PasswordRecipientInfo({
      version: cms.CMSVersion.v0,
      keyDerivationAlgorithm: new cms.KeyDerivationAlgorithmIdentifier({
        algorithm: '1.2.840.113549.1.5.12',
        parameters: AsnConvert.serialize(parameters),
      }),
      keyEncryptionAlgorithm: new cms.KeyEncryptionAlgorithmIdentifier({
        algorithm: '1.2.840.113549.1.9.16.3.9',
        parameters: AsnConvert.serialize(cbc),
      }),
      encryptedKey: new OctetString(pass(inner.subarray(-16), inner)),
    }),
  });
}

function keyIdOf({ keyId }: TestExchangeKey): SubjectKeyIdentifier {
  return new SubjectKeyIdentifier(Uint8Array.from(keyId).buffer);
}

const NULL = Uint8Array.of(5, 0).buffer;
const SHA256 = '2.16.840.1.101.3.4.2.1';
const MGF1 = '1.2.840.113549.1.1.8';
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const AES256_WRAP = '2.16.840.1.101.3.4.1.45';
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
