/** The recipients of a DPAPI-NG blob, between what they say and the classes of @peculiar/asn1-cms: see `protected-data.ts`. */
import type * as Cms from '@peculiar/asn1-cms';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer, NULL, octetString, oid, sequence } from '../bytes/der-writer.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { toArrayBuffer, type Asn1 } from './load-asn1.ts';
import { OID } from './oids.ts';
import {
  decodeCondition,
  encodeCondition,
  type ProtectionCondition,
} from './protection-condition.ts';

/** One way to open a blob. */
export type ProtectedDataRecipient = ConditionRecipient | CertificateRecipient | AllOfRecipient;

/** Whoever meets a condition: is of a group, is this user or this machine. */
export interface ConditionRecipient {
  readonly kind: 'condition';
  /** What leads to the key-encryption key: `KDSK` for SID and SDDL, a DPAPI blob for LOCAL. */
  readonly keyIdentifier: Uint8Array;
  readonly condition: ProtectionCondition;
  /** The content-encryption key under AES-256 key wrap: 40 bytes. */
  readonly encryptedKey: Uint8Array;
}

/** The owner of a certificate. */
export interface CertificateRecipient {
  readonly kind: 'certificate';
  /** SHA-1 of the certificate, where it is named by that. */
  readonly thumbprint?: Uint8Array;
  /** DER of IssuerAndSerialNumber, where it is named by that. */
  readonly issuerAndSerialNumber?: Uint8Array;
  /** RSAES-PKCS1-v1_5 of the content-encryption key, big-endian. */
  readonly encryptedKey: Uint8Array;
}

/** Whoever meets all of several conditions (AND). How their keys make one is not documented. */
export interface AllOfRecipient {
  readonly kind: 'all-of';
  readonly recipients: readonly ProtectedDataRecipient[];
  /** The content-encryption key under AES-256 key wrap: 40 bytes. */
  readonly encryptedKey: Uint8Array;
}

/** @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID). */
export function decodeProtectedRecipient(
  info: Cms.RecipientInfo,
  asn1: Asn1,
  depth = 0,
): ProtectedDataRecipient {
  if (info.kekri) return decodeConditionRecipient(info.kekri);
  if (info.ktri) return decodeCertificateRecipient(info.ktri, asn1);
  if (info.ori) return decodeAllOf(info.ori, asn1, depth);
  return fail('RecipientInfo', 'not of a kind that Windows writes', 'BLOB_ALGORITHM_UNSUPPORTED');
}

/** @throws KeyStoreError PARAMETER_INVALID where a wrapped key has another length than 40 bytes. */
export function encodeProtectedRecipient(
  recipient: ProtectedDataRecipient,
  asn1: Asn1,
): Cms.RecipientInfo {
  const [cms, { AsnConvert, OctetString }] = asn1;
  const encryptedKey = new OctetString(recipient.encryptedKey);
  if (recipient.kind === 'certificate') {
    const { thumbprint, issuerAndSerialNumber } = recipient;
    if (!thumbprint && !issuerAndSerialNumber)
      throw new KeyStoreError('PARAMETER_INVALID', 'a recipient of a certificate names it');
    const rid = thumbprint
      ? new cms.RecipientIdentifier({ subjectKeyIdentifier: new OctetString(thumbprint) })
      : new cms.RecipientIdentifier({
          issuerAndSerialNumber: AsnConvert.parse(
            issuerAndSerialNumber!,
            cms.IssuerAndSerialNumber,
          ),
        });
    const version = thumbprint ? cms.CMSVersion.v2 : cms.CMSVersion.v0;
    const keyEncryptionAlgorithm = new cms.KeyEncryptionAlgorithmIdentifier({
      algorithm: ID_RSA_ENCRYPTION,
      parameters: toArrayBuffer(NULL),
    });
    const ktri = { version, rid, keyEncryptionAlgorithm, encryptedKey };
    return new cms.RecipientInfo({ ktri: new cms.KeyTransRecipientInfo(ktri) });
  }
  if (recipient.encryptedKey.length !== WRAPPED_KEY_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', `a wrapped key has ${WRAPPED_KEY_LENGTH} bytes`);
  if (recipient.kind === 'all-of') {
    const inner = recipient.recipients.map(
      (one) => new Uint8Array(AsnConvert.serialize(encodeProtectedRecipient(one, asn1))),
    );
    const oriValue = sequence(
      integer(0),
      sequence(...inner),
      sequence(OID.sha256),
      sequence(OID.aes256Wrap),
      octetString(recipient.encryptedKey),
    );
    const ori = { oriType: ID_ALL_OF, oriValue: toArrayBuffer(oriValue) };
    return new cms.RecipientInfo({ ori: new cms.OtherRecipientInfo(ori) });
  }
  // asn1-cms does not export the class of `other`, so it makes one from DER.
  const other = sequence(oid(ID_CONDITION), encodeCondition(recipient.condition));
  const kekid = AsnConvert.parse(
    sequence(octetString(recipient.keyIdentifier), other),
    cms.KEKIdentifier,
  );
  const keyEncryptionAlgorithm = new cms.KeyEncryptionAlgorithmIdentifier({
    algorithm: ID_AES256_WRAP,
  });
  const kekri = { version: cms.CMSVersion.v4, kekid, keyEncryptionAlgorithm, encryptedKey };
  return new cms.RecipientInfo({ kekri: new cms.KEKRecipientInfo(kekri) });
}

function decodeConditionRecipient(kekri: Cms.KEKRecipientInfo): ConditionRecipient {
  const { kekid, keyEncryptionAlgorithm } = kekri;
  if (kekid.other?.keyAttrId !== ID_CONDITION || !kekid.other.keyAttr)
    return fail('kekid.other', 'want a protection descriptor');
  if (keyEncryptionAlgorithm.algorithm !== ID_AES256_WRAP)
    fail('keyEncryptionAlgorithm', 'want aes256-wrap', 'BLOB_ALGORITHM_UNSUPPORTED');
  return {
    kind: 'condition',
    keyIdentifier: new Uint8Array(kekid.keyIdentifier.buffer),
    condition: decodeCondition(new Uint8Array(kekid.other.keyAttr)),
    encryptedKey: wrappedKey(new Uint8Array(kekri.encryptedKey.buffer)),
  };
}

function decodeCertificateRecipient(
  ktri: Cms.KeyTransRecipientInfo,
  [, { AsnConvert }]: Asn1,
): CertificateRecipient {
  const { rid, keyEncryptionAlgorithm } = ktri;
  if (keyEncryptionAlgorithm.algorithm !== ID_RSA_ENCRYPTION)
    fail('keyEncryptionAlgorithm', 'want rsaEncryption', 'BLOB_ALGORITHM_UNSUPPORTED');
  const encryptedKey = new Uint8Array(ktri.encryptedKey.buffer);
  if (encryptedKey.length > MAX_RSA_LENGTH)
    fail('encryptedKey', `want at most ${MAX_RSA_LENGTH} bytes, got ${encryptedKey.length}`);
  if (rid.subjectKeyIdentifier) {
    const thumbprint = new Uint8Array(rid.subjectKeyIdentifier.buffer);
    return { kind: 'certificate', thumbprint, encryptedKey };
  }
  const issuerAndSerialNumber = new Uint8Array(AsnConvert.serialize(rid.issuerAndSerialNumber));
  return { kind: 'certificate', issuerAndSerialNumber, encryptedKey };
}

function decodeAllOf(ori: Cms.OtherRecipientInfo, asn1: Asn1, depth: number): AllOfRecipient {
  const [cms, { AsnConvert }] = asn1;
  if (ori.oriType !== ID_ALL_OF)
    fail('oriType', 'not an AND of conditions', 'BLOB_ALGORITHM_UNSUPPORTED');
  if (depth > 0) fail('oriValue', 'an AND inside another', 'BLOB_ALGORITHM_UNSUPPORTED');
  const r = new DerReader(new Uint8Array(ori.oriValue), 'AllOf');
  const fields = r.enter(TAG.SEQUENCE, 'oriValue');
  fields.integer('version', { max: 0 });
  const members = fields.enter(TAG.SEQUENCE, 'recipients');
  const recipients: ProtectedDataRecipient[] = [];
  for (let tag = members.peek(); tag !== -1; tag = members.peek()) {
    const member = members.element(tag, 'recipient');
    const info = AsnConvert.parse(member, cms.RecipientInfo);
    recipients.push(decodeProtectedRecipient(info, asn1, depth + 1));
  }
  fields.expect(sequence(OID.sha256), 'digestAlgorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  fields.expect(sequence(OID.aes256Wrap), 'keyEncryptionAlgorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  const encryptedKey = wrappedKey(fields.octets('encryptedKey'));
  fields.end();
  r.end();
  return { kind: 'all-of', recipients, encryptedKey };
}

function wrappedKey(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== WRAPPED_KEY_LENGTH)
    fail('encryptedKey', `want ${WRAPPED_KEY_LENGTH} bytes, got ${bytes.length}`);
  return bytes;
}

function fail(field: string, problem: string, code?: 'BLOB_ALGORITHM_UNSUPPORTED'): never {
  throw new BlobFormatError({ format: 'ProtectedData', field, offset: 0, problem }, code);
}

/** Dotted, as @peculiar has them. Microsoft's arc is that of protection descriptors. */
const ID_RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const ID_AES256_WRAP = '2.16.840.1.101.3.4.1.45';
const ID_CONDITION = '1.3.6.1.4.1.311.74.1';
const ID_ALL_OF = '1.3.6.1.4.1.311.74.1.4';
/** AES key wrap of 32 bytes. */
const WRAPPED_KEY_LENGTH = 40;
/** RSA of 16,384 bits. */
const MAX_RSA_LENGTH = 2048;
