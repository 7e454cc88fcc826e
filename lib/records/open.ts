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
  const ways = waysIn(record, openers.exchangeKeys);
  if (ways.length === 0) return opened(await unwrapWithPasswords(record, openers), record);
  let failure: unknown;
  for (const way of ways) {
    try {
      return opened(await unwrapWithKey(record, way), record);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'KEY_UNWRAP_FAILED') throw error;
      failure = error;
    }
  }
  throw failure;
}

/** A recipient, and a private key that its key identifier names. */
interface WayIn {
  readonly recipient: number;
  readonly key: PersistedKey;
}

/**
 * Every recipient that an exchange key may open. A key identifier is what somebody's certificate claims: several may claim one, and the
 * first to come must not shut out the others.
 */
function waysIn(record: VerifiedKeyRecord, exchangeKeys: readonly ExchangeKey[] = []): WayIn[] {
  if (record.parts.trust === 'password') return [];
  return exchangeKeys.flatMap((exchangeKey) =>
    record.recipients.flatMap((info, recipient) =>
      isFor(info, exchangeKey) ? [{ recipient, key: exchangeKey.key }] : [],
    ),
  );
}

function isFor(info: RecipientInfo, { key, keyId }: ExchangeKey): boolean {
  if (!('keyId' in info) || (info.type === 'ecdh') !== key.algorithm.startsWith('ECDH'))
    return false;
  if (info.keyId.length > 0) return equalBytes(info.keyId, keyId);
  return modulusLength(key.publicKey) === info.encryptedKey.length;
}

/** What the unwrapped key opens, checked. Takes it over. */
function opened(unwrapped: SecretBytes, record: VerifiedKeyRecord): CommittedKey {
  const keys: CommittedKey = record.parts.sealed
    ? openSealed(unwrapped, record)
    : { sessionKey: unwrapped };
  try {
    checkCommitment(keys, record.parts);
  } catch (error) {
    keys.sessionKey.dispose();
    keys.contentKey?.dispose();
    throw error;
  }
  return keys;
}

async function unwrapWithPasswords(
  record: VerifiedKeyRecord,
  { password }: RecordOpeners,
): Promise<SecretBytes> {
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
  { recipient, key }: WayIn,
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
