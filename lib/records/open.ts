/** Opening verified records: unwrap with a recipient that opens it, then check commitment and bind. */
import { decodePlaintextKeyBlob } from '../blobs/plaintext-key-blob.ts';
import { equalBytes } from '../bytes/octets.ts';
import { isPasswordRecipient, type RecipientInfo } from '../cms/recipient-info.ts';
import { decodeSpki } from '../cms/spki.ts';
import type { PersistedKey } from '../contracts/provider.ts';
import { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import { openAesGcm } from '../keys/aes-gcm.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { checkCommitment, type CommittedKey } from './commitment.ts';
import { unwrapWithPassword } from './recipient.ts';

/** A private key that may open a recipient. */
export interface ExchangeKey {
  readonly key: PersistedKey;
  /** Subject key identifier of its certificate. */
  readonly keyId: Uint8Array;
}

/** What the caller has at hand. */
export interface RecordOpeners {
  readonly exchangeKeys?: readonly ExchangeKey[];
  /** Tried when no exchange key fits. The caller still owns it. */
  readonly password?: SecretBytes;
}

/**
 * The session key of a verified record.
 *
 * @returns A secret that the caller owns.
 * @throws KeyStoreError NO_RECIPIENT (NTE_NO_KEY), PASSWORD_REQUIRED, PASSWORD_WRONG, KEY_UNWRAP_FAILED, KEY_COMMITMENT_MISMATCH.
 */
export async function openKeyRecord(
  record: VerifiedKeyRecord,
  openers: RecordOpeners,
): Promise<SecretBytes> {
  const { sessionKey, contentKey } = await openKeys(record, openers);
  contentKey?.dispose();
  return sessionKey;
}

/** Session key and content-encryption key: for open and re-wrap alone; the latter never leaves this room. */
export async function openKeys(
  record: VerifiedKeyRecord,
  openers: RecordOpeners,
): Promise<CommittedKey> {
  if (!VerifiedKeyRecord.is(record))
    throw new KeyStoreError('PARAMETER_INVALID', 'only a verified record can be opened');
  const unwrapped = await unwrapFirst(record, openers);
  const opened: CommittedKey = record.parts.sealed
    ? openSealed(unwrapped, record)
    : { sessionKey: unwrapped };
  try {
    checkCommitment(opened, record.parts);
  } catch (error) {
    opened.sessionKey.dispose();
    opened.contentKey?.dispose();
    throw error;
  }
  return opened;
}

/** Index of the recipient that an exchange key opens, or -1. */
export function recipientFor(record: VerifiedKeyRecord, { key, keyId }: ExchangeKey): number {
  return record.recipients.findIndex((info) => {
    if (!('keyId' in info)) return false;
    if (info.keyId.length > 0) return equalBytes(info.keyId, keyId);
    return key.algorithm === 'RSA' && modulusLength(key.publicKey) === info.encryptedKey.length;
  });
}

async function unwrapFirst(
  record: VerifiedKeyRecord,
  { exchangeKeys = [], password }: RecordOpeners,
): Promise<SecretBytes> {
  if (record.parts.trust !== 'password') {
    for (const exchangeKey of exchangeKeys) {
      const recipient = recipientFor(record, exchangeKey);
      if (recipient >= 0) return unwrapWithKey(record, recipient, exchangeKey.key);
    }
  }
  const passwords = record.recipients.filter(isPasswordRecipient);
  if (passwords.length === 0) throw new KeyStoreError('NO_RECIPIENT');
  if (!password)
    throw new KeyStoreError(
      'PASSWORD_REQUIRED',
      'no key here opens this record, but a password does',
    );
  return tryPassword(passwords, password);
}

/**
 * PKCS#1 v1.5 in an envelope: a failed unwrap goes on with a random key and fails at the tag, so that nobody learns at which
 * step a forged block failed (RFC 3218 section 2.3.2).
 */
async function unwrapWithKey(
  record: VerifiedKeyRecord,
  recipient: number,
  key: PersistedKey,
): Promise<SecretBytes> {
  const concealed =
    record.recipients[recipient]!.type === 'rsa-pkcs1' && record.parts.profile === 'envelope';
  try {
    return await key.unwrap(record, recipient);
  } catch (error) {
    if (concealed && KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED')
      return SecretBytes.random(CONTENT_KEY_LENGTH);
    throw error;
  }
}

async function tryPassword(
  recipients: readonly RecipientInfo[],
  password: SecretBytes,
): Promise<SecretBytes> {
  for (const info of recipients) {
    try {
      return await unwrapWithPassword(info, password);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'PASSWORD_WRONG') throw error;
    }
  }
  throw new KeyStoreError('PASSWORD_WRONG');
}

/** The PLAINTEXTKEYBLOB inside an envelope. Takes the content-encryption key over. */
function openSealed(
  contentKey: SecretBytes,
  record: VerifiedKeyRecord,
): { sessionKey: SecretBytes; contentKey: SecretBytes } {
  const { sealed, metadata } = record.parts;
  try {
    // A shorter one would be AES-128 or AES-192 under the name of AES-256.
    if (contentKey.length !== CONTENT_KEY_LENGTH) throw new KeyStoreError('KEY_UNWRAP_FAILED');
    using blob = openAesGcm({ key: contentKey.bytes, ...sealed! });
    return { sessionKey: sessionKeyIn(blob, metadata.algorithm), contentKey };
  } catch (error) {
    contentKey.dispose();
    throw error;
  }
}

function sessionKeyIn(keyBlob: SecretBytes, algorithm: number): SecretBytes {
  try {
    const { algId, key } = decodePlaintextKeyBlob(keyBlob.bytes);
    if (algId === algorithm) return SecretBytes.copy(key);
  } catch {
    // The blob is secret: which of its fields is wrong is nobody's business.
  }
  throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
}

function modulusLength(spki: Uint8Array): number {
  const key = decodeSpki(spki);
  return key.type === 'rsa' ? key.modulus.length : 0;
}

const CONTENT_KEY_LENGTH = 32;
