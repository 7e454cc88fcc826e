/** Opens what NCryptProtectSecret (DPAPI-NG) protected, without Windows: with root keys of the forest, group keys, certificates' keys, or DPAPI. */
import type { KeyObject } from 'node:crypto';
import { decodeProtectedData, type ProtectedData } from '../../cms/protected-data.ts';
import type { ConditionRecipient, ProtectedDataRecipient } from '../../cms/protected-recipient.ts';
import type { ProtectionCondition } from '../../cms/protection-condition.ts';
import { KeyStoreError } from '../../errors.ts';
import { openAesGcm } from '../../keys/aes-gcm.ts';
import { unwrapAesKey } from '../../keys/aes-key-wrap.ts';
import { unwrapRsaPkcs1 } from '../../keys/rsa-pkcs1.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { GroupKeyEnvelope } from '../../windows-files/group-key-envelope.ts';
import { decodeGroupKeyIdentifier } from '../../windows-files/group-key-identifier.ts';
import { deriveFromEnvelope, deriveGroupKey, type GroupRootKey } from './group-key.ts';
import { deriveKeyEncryptionKey } from './key-encryption-key.ts';
import { securityDescriptorOfSddl, securityDescriptorOfSid } from './security-descriptor.ts';

/** What may open a blob. Give what there is: each recipient is tried with what fits it. */
export interface ProtectedSecretKeys {
  /** Root keys of the forest, for SID and SDDL. */
  readonly rootKeys?: readonly GroupRootKey[];
  /** Group keys of the blob's own security descriptor, as a domain controller gave them out, for SID and SDDL. */
  readonly groupKeys?: readonly GroupKeyEnvelope[];
  /** RSA private keys, for CERTIFICATE. All are tried: a blob names the certificate, not the key. */
  readonly certificateKeys?: readonly KeyObject[];
  /**
   * Opens a DPAPI blob of Windows, for LOCAL: `openDpapiBlob` with the master key that the blob names.
   *
   * Undefined where that master key is not at hand. The result is disposed of here.
   */
  readonly openLocal?: (blob: Uint8Array) => Promise<SecretBytes | undefined>;
}

/**
 * Opens a blob of NCryptProtectSecret, also in the form in which LAPS keeps passwords.
 *
 * @param blob - As the call gave it.
 * @returns The secret, the caller's.
 * @throws BlobFormatError as `decodeProtectedData` does, and for a recipient's key identifier that is damaged.
 * @throws KeyStoreError KEY_NOT_FOUND (NTE_NO_KEY) where no key that was given fits any recipient; KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) where one
 *   seemed to, whatever did not fit; NOT_SUPPORTED where all conditions of an AND are asked for: how their keys make one is not documented.
 * @example
 * ```ts
 * using secret = await openProtectedSecret(blob, { rootKeys: [rootKey] });
 * ```
 */
export async function openProtectedSecret(
  blob: Uint8Array,
  keys: ProtectedSecretKeys,
): Promise<SecretBytes> {
  const data = await decodeProtectedData(blob);
  const failures: KeyStoreError[] = [];
  for (const attempt of data.recipients.flatMap((recipient) => attemptsFor(recipient, keys))) {
    try {
      const secret = await openWith(data, attempt);
      if (secret) return secret;
    } catch (error) {
      // Another recipient may open it.
      if (!KeyStoreError.is(error)) throw error;
      failures.push(error);
    }
  }
  throw (
    failures.find(({ code }) => code === 'KEY_UNWRAP_FAILED') ??
    failures[0] ??
    new KeyStoreError('KEY_NOT_FOUND', 'no key that was given is of this blob')
  );
}

async function openWith(data: ProtectedData, attempt: Attempt): Promise<SecretBytes | undefined> {
  using contentKey = await attempt();
  return contentKey && openContent(data, contentKey);
}

/** One try with one key: the content-encryption key, or undefined where the key is not of this recipient. */
type Attempt = () => Promise<SecretBytes | undefined>;

/** All tries with one recipient. */
function attemptsFor(recipient: ProtectedDataRecipient, keys: ProtectedSecretKeys): Attempt[] {
  const { rootKeys = [], groupKeys = [], certificateKeys = [], openLocal } = keys;
  if (recipient.kind === 'all-of') return [refuseAllOf];
  const { encryptedKey } = recipient;
  if (recipient.kind === 'certificate')
    return certificateKeys.map(
      (key) => async () => unwrapRsaPkcs1(key, encryptedKey, [CONTENT_KEY_LENGTH]),
    );
  const { condition } = recipient;
  if (condition.kind === 'LOCAL')
    return openLocal ? [async () => unwrapLocal(recipient, openLocal)] : [];
  if (condition.kind !== 'SID' && condition.kind !== 'SDDL') return [];
  return [
    ...rootKeys.map((rootKey) => async () => unwrapWithRootKey(recipient, rootKey)),
    ...groupKeys.map((envelope) => async () => unwrapWithGroupKey(recipient, envelope)),
  ];
}

function unwrapWithRootKey(
  { keyIdentifier, condition, encryptedKey }: ConditionRecipient,
  rootKey: GroupRootKey,
): SecretBytes | undefined {
  const identifier = decodeGroupKeyIdentifier(keyIdentifier);
  if (identifier.rootKeyId !== rootKey.rootKeyId.toLowerCase()) return undefined;
  using groupKey = deriveGroupKey(rootKey, securityDescriptorOf(condition), identifier);
  using kek = deriveKeyEncryptionKey(rootKey, groupKey, identifier);
  return unwrapAesKey(kek.bytes, encryptedKey);
}

function unwrapWithGroupKey(
  { keyIdentifier, encryptedKey }: ConditionRecipient,
  envelope: GroupKeyEnvelope,
): SecretBytes | undefined {
  const identifier = decodeGroupKeyIdentifier(keyIdentifier);
  using groupKey = deriveFromEnvelope(envelope, identifier);
  if (groupKey === undefined) return undefined;
  using kek = deriveKeyEncryptionKey(envelope, groupKey, identifier);
  return unwrapAesKey(kek.bytes, encryptedKey);
}

async function unwrapLocal(
  { keyIdentifier, encryptedKey }: ConditionRecipient,
  openLocal: NonNullable<ProtectedSecretKeys['openLocal']>,
): Promise<SecretBytes | undefined> {
  using kek = await openLocal(keyIdentifier);
  if (kek === undefined) return undefined;
  if (kek.length !== KEK_LENGTH) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  return unwrapAesKey(kek.bytes, encryptedKey);
}

function securityDescriptorOf({ kind, value }: ProtectionCondition): Uint8Array {
  if (value === undefined)
    throw new KeyStoreError('NOT_SUPPORTED', 'a condition that is not one name and one value');
  return kind === 'SID' ? securityDescriptorOfSid(value) : securityDescriptorOfSddl(value);
}

async function refuseAllOf(): Promise<never> {
  throw new KeyStoreError('NOT_SUPPORTED', 'how the keys of an AND make one is not documented');
}

function openContent({ nonce, ciphertext }: ProtectedData, contentKey: SecretBytes): SecretBytes {
  const end = ciphertext.length - TAG_LENGTH;
  return openAesGcm({
    key: contentKey.bytes,
    nonce,
    ciphertext: ciphertext.subarray(0, end),
    tag: ciphertext.subarray(end),
  });
}

const CONTENT_KEY_LENGTH = 32;
const KEK_LENGTH = 32;
const TAG_LENGTH = 16;
