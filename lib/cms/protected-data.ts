/**
 * What NCryptProtectSecret (DPAPI-NG) gives: a CMS EnvelopedData (RFC 5652) of one form. Source: MS "Protection Descriptors", [MS-GKDI], and
 * the blobs that Windows writes. Read and written by @peculiar/asn1-cms, which is loaded when first used.
 *
 *     ContentInfo { envelopedData, [0] EnvelopedData { version 2, recipientInfos SET, EncryptedContentInfo } }
 *     EncryptedContentInfo { data, aes256-GCM { nonce OCTET STRING (12), ICVlen 16 }, [0] ciphertext and tag OPTIONAL }
 *
 * One recipient of any kind opens it (OR):
 *
 *     KEKRecipientInfo [2] { 4, { keyIdentifier, other { 1.3.6.1.4.1.311.74.1, condition } }, aes256-wrap, encryptedKey (40) }
 *     KeyTransRecipientInfo { 0 or 2, issuer and serial number or [0] SHA-1 of the certificate, rsaEncryption, encryptedKey }
 *     OtherRecipientInfo [4] { 1.3.6.1.4.1.311.74.1.4, { 0, SEQUENCE OF RecipientInfo, sha256, aes256-wrap, encryptedKey (40) } }   AND
 *
 * RFC 5084 has AES-GCM in AuthEnvelopedData only; here the tag of 16 bytes ends the ciphertext. Without content in the CMS (LAPS) the ciphertext
 * follows the DER. What Windows would encode in another way is refused, so that everything read is written as the same bytes.
 */
import type * as Cms from '@peculiar/asn1-cms';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../bytes/der-writer.ts';
import { concatBytes, equalBytes } from '../bytes/octets.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { checkDerBounds } from './der-bounds.ts';
import { loadAsn1, toArrayBuffer, type Asn1 } from './load-asn1.ts';
import {
  decodeProtectedRecipient,
  encodeProtectedRecipient,
  type ProtectedDataRecipient,
} from './protected-recipient.ts';

export type { ProtectedDataRecipient } from './protected-recipient.ts';

/** A blob of NCryptProtectSecret. */
export interface ProtectedData {
  /** Any one of them opens it. */
  readonly recipients: readonly ProtectedDataRecipient[];
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** The secret under AES-256-GCM; the last 16 bytes are the tag. */
  readonly ciphertext: Uint8Array;
  /** Where the ciphertext stands: in the CMS, or after it, as LAPS stores it. */
  readonly content: 'inside' | 'after';
}

/**
 * Reads a blob of NCryptProtectSecret.
 *
 * @param bytes - The blob; what follows its DER is the ciphertext where the DER has none.
 * @returns Fresh arrays; `ciphertext` may be a view of `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_TOO_LARGE (NTE_BAD_LEN) for DER of more than 16 MiB or nested, split or long beyond any use;
 *   BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for another cipher, key wrap or kind of recipient.
 * @example
 * ```ts
 * const { recipients } = await decodeProtectedData(await readFile('secret.bin'));
 * ```
 */
export async function decodeProtectedData(bytes: Uint8Array): Promise<ProtectedData> {
  const der = derOf(bytes);
  checkDerBounds(der, FORMAT, { values: MAX_VALUES, depth: MAX_DEPTH, bytes: MAX_BYTES });
  const asn1 = await loadAsn1();
  try {
    return decode(bytes, der, asn1);
  } catch (error) {
    // What the classes of asn1-cms are given, and do not expect, ends in errors of any kind.
    if (KeyStoreError.is(error)) throw error;
    return fail('ContentInfo', 'not as Windows encodes it');
  }
}

/**
 * Writes what {@link decodeProtectedData} reads.
 *
 * @returns A fresh array.
 * @throws KeyStoreError PARAMETER_INVALID where the ciphertext is shorter than its tag, or a nonce or a wrapped key has another length.
 * @example
 * ```ts
 * const blob = await encodeProtectedData(await decodeProtectedData(bytes)); // the same bytes
 * ```
 */
export async function encodeProtectedData(data: ProtectedData): Promise<Uint8Array> {
  if (data.nonce.length !== NONCE_LENGTH || data.ciphertext.length < TAG_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', 'want a nonce of 12 bytes, and a tag of 16');
  return encode(data, await loadAsn1());
}

function decode(bytes: Uint8Array, der: Uint8Array, asn1: Asn1): ProtectedData {
  const [cms, { AsnConvert }] = asn1;
  const contentInfo = AsnConvert.parse(der, cms.ContentInfo);
  if (contentInfo.contentType !== ID_ENVELOPED_DATA) fail('contentType', 'want envelopedData');
  const envelope = AsnConvert.parse(contentInfo.content, cms.EnvelopedData);
  const { contentType, contentEncryptionAlgorithm, encryptedContent } =
    envelope.encryptedContentInfo;
  if (contentType !== ID_DATA) fail('contentType', 'want id-data');
  const nonce = readGcm(contentEncryptionAlgorithm);
  const inside = encryptedContent?.value?.buffer;
  const after = bytes.subarray(der.length);
  if (inside !== undefined && after.length > 0) fail('end', `${after.length} trailing bytes`);
  const ciphertext = inside === undefined ? after : new Uint8Array(inside);
  if (ciphertext.length < TAG_LENGTH) fail('encryptedContent', 'shorter than its tag');
  const recipients = envelope.recipientInfos.map((info) => decodeProtectedRecipient(info, asn1));
  if (recipients.length === 0) fail('recipientInfos', 'there is none');
  const content = inside === undefined ? 'after' : 'inside';
  const data: ProtectedData = { recipients, nonce, ciphertext, content };
  // asn1js takes BER, and members that this profile has not: neither would be written again.
  if (!equalBytes(encode(data, asn1), bytes)) fail('ContentInfo', 'not as Windows encodes it');
  return data;
}

function encode(data: ProtectedData, asn1: Asn1): Uint8Array {
  const [cms, { AsnConvert, OctetString }] = asn1;
  const { nonce, ciphertext, content } = data;
  const parameters = sequence(octetString(nonce), integer(TAG_LENGTH));
  const envelope = new cms.EnvelopedData({
    version: cms.CMSVersion.v2,
    recipientInfos: new cms.RecipientInfos(
      data.recipients.map((recipient) => encodeProtectedRecipient(recipient, asn1)),
    ),
    encryptedContentInfo: new cms.EncryptedContentInfo({
      contentType: ID_DATA,
      contentEncryptionAlgorithm: new cms.ContentEncryptionAlgorithmIdentifier({
        algorithm: ID_AES256_GCM,
        parameters: toArrayBuffer(parameters),
      }),
      ...(content === 'inside' && {
        encryptedContent: new cms.EncryptedContent({ value: new OctetString(ciphertext) }),
      }),
    }),
  });
  const contentInfo = new cms.ContentInfo({
    contentType: ID_ENVELOPED_DATA,
    content: AsnConvert.serialize(envelope),
  });
  const der = new Uint8Array(AsnConvert.serialize(contentInfo));
  return content === 'inside' ? der : concatBytes(der, ciphertext);
}

/** The DER that the bytes begin with. */
function derOf(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === TAG.SEQUENCE && bytes[1] === 0x84)
    fail('ContentInfo', 'more than 16 MiB', 'BLOB_TOO_LARGE');
  return new DerReader(bytes, FORMAT).element(TAG.SEQUENCE, 'ContentInfo');
}

/** The nonce of `{ aes256-GCM, { nonce OCTET STRING (12), ICVlen 16 } }`. */
function readGcm({ algorithm, parameters }: Cms.ContentEncryptionAlgorithmIdentifier): Uint8Array {
  if (algorithm !== ID_AES256_GCM || !parameters)
    return fail('contentEncryptionAlgorithm', 'want aes256-GCM', 'BLOB_ALGORITHM_UNSUPPORTED');
  const r = new DerReader(new Uint8Array(parameters), 'GCMParameters');
  const fields = r.enter(TAG.SEQUENCE, 'GCMParameters');
  const nonce = fields.octets('aes-nonce', { min: NONCE_LENGTH, max: NONCE_LENGTH });
  fields.integer('aes-ICVlen', { min: TAG_LENGTH, max: TAG_LENGTH });
  fields.end();
  r.end();
  return nonce;
}

function fail(
  field: string,
  problem: string,
  code?: 'BLOB_TOO_LARGE' | 'BLOB_ALGORITHM_UNSUPPORTED',
): never {
  throw new BlobFormatError({ format: FORMAT, field, offset: 0, problem }, code);
}

const FORMAT = 'ProtectedData';
/** RFC 5652, RFC 5084: dotted, as @peculiar has them. */
const ID_DATA = '1.2.840.113549.1.7.1';
const ID_ENVELOPED_DATA = '1.2.840.113549.1.7.3';
const ID_AES256_GCM = '2.16.840.1.101.3.4.1.46';
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** A recipient has 15 values: some hundred recipients. */
const MAX_VALUES = 2048;
/** A condition inside an AND lies 14 deep. */
const MAX_DEPTH = 24;
/** A recipient has 300 bytes, or 1,100 with a public key. */
const MAX_BYTES = 1 << 16;
