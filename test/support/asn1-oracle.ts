/** An independent reader and writer of messages: @peculiar's ASN.1 classes and node:crypto, nothing of lib/cms or lib/records. */
import {
  createCipheriv,
  createHash,
  createHmac,
  hkdfSync,
  sign,
  type KeyObject,
} from 'node:crypto';
import * as cms from '@peculiar/asn1-cms';
import { RsaEsOaepParams, RsaSaPssParams } from '@peculiar/asn1-rsa';
import { AsnConvert, AsnObjectIdentifierConverter, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Certificate, SubjectKeyIdentifier } from '@peculiar/asn1-x509';
import {
  Argon2idParams,
  AuthEnvelopedData,
  GcmParameters,
  KeycaskMetadata,
  Pbkdf2Params,
} from './asn1-oracle-types.ts';

/** DER of an algorithm's parameters, decoded and encoded again by the class that the algorithm has. */
const PARAMETERS: Readonly<Record<string, new () => object>> = {
  '1.2.840.113549.1.1.7': RsaEsOaepParams,
  '1.2.840.113549.1.1.10': RsaSaPssParams,
  '1.2.840.113549.1.5.12': Pbkdf2Params,
  '2.16.840.1.101.3.4.1.46': GcmParameters,
  '1.3.132.1.11.1': AlgorithmIdentifier,
  '1.3.132.1.11.2': AlgorithmIdentifier,
  '1.2.840.113549.1.9.16.3.9': AlgorithmIdentifier,
  '1.2.840.113549.1.9.16.3.13': AlgorithmIdentifier,
  '1.2.840.113556.1.8000.2554.445.6250.27911.17208.39805.12998346.5770488.3.1': Argon2idParams,
};
export const METADATA_OID =
  '1.2.840.113556.1.8000.2554.445.6250.27911.17208.39805.12998346.5770488.1.1';

export interface OracleMessage {
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly attributes: ReadonlyMap<string, Uint8Array>;
  readonly signedData: cms.SignedData;
}

/** A message as asn1-cms reads it. */
export function decodeMessage(der: Uint8Array): OracleMessage {
  const signedData = AsnConvert.parse(
    AsnConvert.parse(der, cms.ContentInfo).content,
    cms.SignedData,
  );
  const [signerInfo] = signedData.signerInfos;
  return {
    contentType: signedData.encapContentInfo.eContentType,
    content: new Uint8Array(signedData.encapContentInfo.eContent!.single!.buffer),
    attributes: new Map(
      signerInfo!.signedAttrs!.map(({ attrType, attrValues }) => [
        attrType,
        new Uint8Array(attrValues[0]!),
      ]),
    ),
    signedData,
  };
}

/** The envelope inside a record, as asn1-schema reads it. */
export function decodeEnvelope(content: Uint8Array): AuthEnvelopedData {
  return AsnConvert.parse(AsnConvert.parse(content, cms.ContentInfo).content, AuthEnvelopedData);
}

/** Decodes a message to its last parameter and encodes all of that again. */
export function reencodeMessage(der: Uint8Array): Uint8Array {
  const { signedData, content, contentType } = decodeMessage(der);
  for (const { signatureAlgorithm, signedAttrs } of signedData.signerInfos) {
    reencodeParameters(signatureAlgorithm);
    for (const attribute of signedAttrs ?? [])
      if (attribute.attrType === METADATA_OID)
        attribute.attrValues = attribute.attrValues.map((value) =>
          AsnConvert.serialize(AsnConvert.parse(value, KeycaskMetadata)),
        );
  }
  if (contentType === CONTENT_INFO)
    signedData.encapContentInfo.eContent!.single = new OctetString(reencodeEnvelope(content));
  return contentInfo(SIGNED_DATA, AsnConvert.serialize(signedData));
}

function reencodeEnvelope(content: Uint8Array): Uint8Array {
  const envelope = decodeEnvelope(content);
  reencodeParameters(envelope.authEncryptedContentInfo.contentEncryptionAlgorithm);
  for (const { ktri, kari, pwri } of envelope.recipientInfos) {
    const recipient = ktri ?? kari ?? pwri;
    reencodeParameters(recipient!.keyEncryptionAlgorithm);
    if (pwri) reencodeParameters(pwri.keyDerivationAlgorithm!);
  }
  return contentInfo(AUTH_ENVELOPED_DATA, AsnConvert.serialize(envelope));
}

function reencodeParameters(algorithm: AlgorithmIdentifier): void {
  const type = PARAMETERS[algorithm.algorithm];
  if (type && algorithm.parameters)
    algorithm.parameters = AsnConvert.serialize(AsnConvert.parse(algorithm.parameters, type));
}

function contentInfo(contentType: string, content: ArrayBuffer): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(new cms.ContentInfo({ contentType, content })));
}

/** What a record is made of, when the oracle makes it. */
export interface OracleRecord {
  readonly sessionKey: Uint8Array;
  readonly contentKey: Uint8Array;
  readonly nonce: Uint8Array;
  /** PLAINTEXTKEYBLOB header of the key: `0802000010660000` for AES-256. */
  readonly blobHeader: Uint8Array;
  readonly metadata: KeycaskMetadata;
  readonly recipients: readonly cms.RecipientInfo[];
  readonly signer: {
    readonly privateKey: KeyObject;
    readonly publicKey: Uint8Array;
    readonly certificate: Uint8Array;
    readonly keyId: Uint8Array;
  };
  readonly signingTime: Date;
}

/** Writes a record with an ECDSA P-256 signer. */
export function encodeRecord(record: OracleRecord): Uint8Array {
  const content = encodeEnvelope(record);
  const attributes = signedAttributes(record, content);
  const { signer } = record;
  const sha256 = { algorithm: SHA256 };
  const signedData = new cms.SignedData({
    version: cms.CMSVersion.v3,
    digestAlgorithms: new cms.DigestAlgorithmIdentifiers([
      new cms.DigestAlgorithmIdentifier(sha256),
    ]),
    encapContentInfo: new cms.EncapsulatedContentInfo({
      eContentType: CONTENT_INFO,
      eContent: new cms.EncapsulatedContent({ single: new OctetString(content) }),
    }),
    certificates: new cms.CertificateSet([
      new cms.CertificateChoices({
        certificate: AsnConvert.parse(signer.certificate, Certificate),
      }),
    ]),
    signerInfos: new cms.SignerInfos([
      new cms.SignerInfo({
        version: cms.CMSVersion.v3,
        sid: new cms.SignerIdentifier({
          subjectKeyIdentifier: new SubjectKeyIdentifier(Uint8Array.from(signer.keyId).buffer),
        }),
        digestAlgorithm: new cms.DigestAlgorithmIdentifier(sha256),
        signedAttrs: attributes.map(({ attribute }) => attribute),
        signatureAlgorithm: new cms.SignatureAlgorithmIdentifier({ algorithm: ECDSA_SHA256 }),
        signature: new OctetString(
          sign('sha256', setOf(attributes.map(({ der }) => der)), signer.privateKey),
        ),
      }),
    ]),
  });
  return contentInfo(SIGNED_DATA, AsnConvert.serialize(signedData));
}

function encodeEnvelope(record: OracleRecord): Uint8Array {
  const { sessionKey, contentKey, nonce, blobHeader, recipients } = record;
  const size = Buffer.alloc(4);
  size.writeUInt32LE(sessionKey.length);
  const cipher = createCipheriv('aes-256-gcm', contentKey, nonce);
  const ciphertext = Buffer.concat([
    cipher.update(blobHeader),
    cipher.update(size),
    cipher.update(sessionKey),
    cipher.final(),
  ]);
  const parameters = new GcmParameters();
  parameters.nonce = new OctetString(nonce);
  parameters.icvLength = 16;
  const envelope = new AuthEnvelopedData();
  envelope.recipientInfos = new cms.RecipientInfos(inDerOrder(recipients));
  envelope.authEncryptedContentInfo = new cms.EncryptedContentInfo({
    contentType: DATA,
    contentEncryptionAlgorithm: new cms.ContentEncryptionAlgorithmIdentifier({
      algorithm: AES256_GCM,
      parameters: AsnConvert.serialize(parameters),
    }),
    encryptedContent: new cms.EncryptedContent({ value: new OctetString(ciphertext) }),
  });
  envelope.mac = new OctetString(cipher.getAuthTag());
  return contentInfo(AUTH_ENVELOPED_DATA, AsnConvert.serialize(envelope));
}

/** commitment and bind from their formulas, with HKDF and HMAC of node:crypto. */
export function bound(
  metadata: KeycaskMetadata,
  keyInput: Uint8Array,
  signerSpki: Uint8Array,
): KeycaskMetadata {
  const recordId = new Uint8Array(metadata.recordId.buffer);
  const derive = (info: string) =>
    new Uint8Array(hkdfSync('sha256', keyInput, recordId, Buffer.from(info), 32));
  metadata.commitment = new OctetString(derive('keycask commitment v1'));
  delete metadata.bind;
  const bind = createHmac('sha256', derive('keycask bind v1'))
    .update(new Uint8Array(AsnConvert.serialize(metadata)))
    .update(createHash('sha256').update(signerSpki).digest())
    .digest();
  metadata.bind = new OctetString(bind);
  return metadata;
}

function signedAttributes({ metadata, signingTime }: OracleRecord, content: Uint8Array) {
  const digest = createHash('sha256').update(content).digest();
  const values: [string, ArrayBuffer][] = [
    ['1.2.840.113549.1.9.3', AsnObjectIdentifierConverter.toASN(CONTENT_INFO).toBER()],
    ['1.2.840.113549.1.9.4', AsnConvert.serialize(new OctetString(digest))],
    ['1.2.840.113549.1.9.5', AsnConvert.serialize(new cms.SigningTime({ utcTime: signingTime }))],
    [METADATA_OID, AsnConvert.serialize(metadata)],
  ];
  return inDerOrder(
    values.map(([attrType, value]) => new cms.Attribute({ attrType, attrValues: [value] })),
  ).map((attribute) => ({ attribute, der: derOf(attribute) }));
}

function inDerOrder<T extends object>(values: readonly T[]): T[] {
  return values.toSorted((a, b) => Buffer.compare(derOf(a), derOf(b)));
}

function derOf(value: object): Buffer {
  return Buffer.from(AsnConvert.serialize(value));
}

/** What is signed: the attributes as a SET OF (RFC 5652 section 5.4), which asn1-schema writes only inside SignerInfo. */
function setOf(members: readonly Buffer[]): Buffer {
  const contents = Buffer.concat(members);
  const length =
    contents.length < 256
      ? [0x81, contents.length]
      : [0x82, contents.length >> 8, contents.length & 0xff];
  return Buffer.concat([Buffer.from([0x31, ...length]), contents]);
}

const DATA = '1.2.840.113549.1.7.1';
const SIGNED_DATA = '1.2.840.113549.1.7.2';
const AUTH_ENVELOPED_DATA = '1.2.840.113549.1.9.16.1.23';
export const CONTENT_INFO = '1.2.840.113549.1.9.16.1.6';
const AES256_GCM = '2.16.840.1.101.3.4.1.46';
const SHA256 = '2.16.840.1.101.3.4.2.1';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
