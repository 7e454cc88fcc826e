/**
 * AuthEnvelopedData (RFC 5083 section 2.1) inside a ContentInfo, AES-256-GCM (RFC 5084 section 3.2), no attributes.
 *
 *   ContentInfo { id-ct-authEnvelopedData, [0] SEQUENCE {
 *     version 0, RecipientInfos SET OF, EncryptedContentInfo { id-data, aes256-GCM { nonce 12, ICVlen 16 }, [0] ciphertext }, mac 16 } }
 *
 * The ContentInfo around it and the missing authAttrs are what OpenSSL 3.0 can open.
 */
import { DerReader } from '../bytes/der-reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../bytes/der-tags.ts';
import {
  assemble,
  context,
  contextOctets,
  integer,
  octetString,
  sequence,
  setOf,
} from '../bytes/der-writer.ts';
import { compareBytes } from '../bytes/octets.ts';
import { OID } from './oids.ts';
import {
  encodeRecipientInfo,
  isPasswordRecipient,
  readRecipientInfo,
  type RecipientInfo,
} from './recipient-info.ts';

export interface AuthEnvelopedData {
  readonly recipients: readonly RecipientInfo[];
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** As long as the PLAINTEXTKEYBLOB. */
  readonly ciphertext: Uint8Array;
  /** 16 bytes. */
  readonly tag: Uint8Array;
}

/** A record is for a key's owner, a password, an authority and some colleagues: not a mailing list. */
export const MAX_RECIPIENTS = 64;
/** Each costs whoever tries his password a key derivation, whose price the record's writer chose: up to 1 GiB and 16 passes. */
export const MAX_PASSWORD_RECIPIENTS = 8;
/** A PLAINTEXTKEYBLOB: 12 bytes and a session key of at most 1024 bits (RC2). */
const MAX_KEY_BLOB = 12 + 128;

const V0 = integer(0);
const ICV_LENGTH = integer(16);

export function encodeAuthEnvelopedData(envelope: AuthEnvelopedData): Uint8Array {
  return assemble(() => {
    const algorithm = sequence(OID.aes256Gcm, sequence(octetString(envelope.nonce), ICV_LENGTH));
    const content = sequence(OID.data, algorithm, contextOctets(0, envelope.ciphertext));
    const recipients = setOf(...envelope.recipients.map(encodeRecipientInfo));
    return sequence(
      OID.authEnvelopedData,
      context(0, sequence(V0, recipients, content, octetString(envelope.tag))),
    );
  });
}

export function decodeAuthEnvelopedData(der: Uint8Array): AuthEnvelopedData {
  const outer = new DerReader(der, 'AuthEnvelopedData');
  const info = outer.enter(TAG.SEQUENCE, 'ContentInfo');
  outer.end();
  const explicit = info
    .expect(OID.authEnvelopedData, 'contentType')
    .enter(contextConstructed(0), 'content');
  info.end();
  const envelope = explicit.enter(TAG.SEQUENCE, 'AuthEnvelopedData');
  explicit.end();
  envelope.expect(V0, 'version');
  const recipients = readRecipients(envelope.enter(TAG.SET, 'recipientInfos'));
  const content = envelope
    .enter(TAG.SEQUENCE, 'authEncryptedContentInfo')
    .expect(OID.data, 'contentType');
  const algorithm = content.enter(TAG.SEQUENCE, 'contentEncryptionAlgorithm');
  const parameters = algorithm
    .expect(OID.aes256Gcm, 'contentEncryptionAlgorithm', 'BLOB_ALGORITHM_UNSUPPORTED')
    .enter(TAG.SEQUENCE, 'GCMParameters');
  algorithm.end();
  const nonce = parameters.octets('aes-nonce', { min: 12, max: 12 });
  parameters.expect(ICV_LENGTH, 'aes-ICVlen').end();
  const ciphertext = content.octets('encryptedContent', {
    min: 13,
    max: MAX_KEY_BLOB,
    tag: contextPrimitive(0),
  });
  content.end();
  const tag = envelope.octets('mac', { min: 16, max: 16 });
  envelope.end();
  return { recipients, nonce, ciphertext, tag };
}

function readRecipients(set: DerReader): RecipientInfo[] {
  const recipients: RecipientInfo[] = [];
  let passwords = 0;
  let previous: Uint8Array | undefined;
  while (set.peek() !== -1) {
    if (recipients.length === MAX_RECIPIENTS)
      set.fail('recipientInfos', `more than ${MAX_RECIPIENTS} recipients`);
    const encoding = set.element(set.peek(), 'RecipientInfo');
    if (previous && compareBytes(previous, encoding) >= 0)
      set.fail('recipientInfos', 'not in DER order');
    previous = encoding;
    const recipient = readRecipientInfo(new DerReader(encoding, 'AuthEnvelopedData'));
    if (isPasswordRecipient(recipient) && ++passwords > MAX_PASSWORD_RECIPIENTS)
      set.fail('recipientInfos', `more than ${MAX_PASSWORD_RECIPIENTS} passwords`);
    recipients.push(recipient);
  }
  if (recipients.length === 0) set.fail('recipientInfos', 'no recipient');
  return recipients;
}
