/** Making key records: wrap for each recipient, commit, bind, sign. */
import { randomFillSync } from 'node:crypto';
import { encodePlaintextKeyBlobInto, plaintextKeyBlobLength } from '../blobs/plaintext-key-blob.ts';
import { decodeSimpleBlob } from '../blobs/simple-blob.ts';
import { encodeAuthEnvelopedData, MAX_RECIPIENTS } from '../cms/auth-enveloped-data.ts';
import type { KeyMetadata } from '../cms/metadata.ts';
import type { RecipientInfo } from '../cms/recipient-info.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { sealAesGcm } from '../keys/aes-gcm.ts';
import { SecretBytes, type RandomFill } from '../keys/secret-bytes.ts';
import { signedMessage, type SigningIdentity } from '../messages/sign-message.ts';
import { encodeBoundMetadata, type CommittedKey, type UnboundMetadata } from './commitment.ts';
import { decodeKeyRecord } from './decode.ts';
import { wrapForRecipient, type Recipient } from './recipient.ts';

export interface SealOptions {
  /** 1 to 64, among them the owner's own exchange key. */
  readonly recipients: readonly Recipient[];
  readonly signer: SigningIdentity;
  readonly signingTime: Date;
  /** Only for known answers in tests. */
  readonly random?: RandomFill;
}

/** A record that was made, and read back as strictly as any that comes from elsewhere. */
export interface SealedRecord {
  readonly bytes: Uint8Array;
  /** As a reader finds it, with commitment and bind. */
  readonly metadata: KeyMetadata;
}

/**
 * Makes a key record of the envelope profile.
 *
 * @param sessionKey - Read, not kept.
 * @returns DER of ContentInfo(SignedData(ContentInfo(AuthEnvelopedData(PLAINTEXTKEYBLOB)))), at most 1 MiB.
 * @throws KeyStoreError PARAMETER_INVALID (NTE_INVALID_PARAMETER) for no recipient, more than 64 or more than 8 passwords, and for metadata that no reader accepts.
 */
export async function sealKeyRecord(
  sessionKey: SecretBytes,
  metadata: UnboundMetadata,
  options: SealOptions,
): Promise<Uint8Array> {
  return (await sealRecord(sessionKey, metadata, options)).bytes;
}

/** As {@link sealKeyRecord}, with what was read back. */
export async function sealRecord(
  sessionKey: SecretBytes,
  metadata: UnboundMetadata,
  options: SealOptions,
): Promise<SealedRecord> {
  const random = options.random ?? randomFillSync;
  using contentKey = SecretBytes.random(CONTENT_KEY_LENGTH, random);
  const { recipients, signer, signingTime } = options;
  const all = { recipients, kept: [], signer, signingTime, random };
  return await sealEnvelope({ sessionKey, contentKey }, metadata, all);
}

/** What a re-wrap seals: new recipients, and those that stay as they are because the content-encryption key does. */
export interface EnvelopeOptions extends SealOptions {
  readonly random: RandomFill;
  readonly kept: readonly RecipientInfo[];
}

/** The part that seal and re-wrap share. */
export async function sealEnvelope(
  keys: Required<CommittedKey>,
  metadata: UnboundMetadata,
  options: EnvelopeOptions,
): Promise<SealedRecord> {
  const { recipients, signer, signingTime, random, kept } = options;
  const count = recipients.length + kept.length;
  if (count < 1 || count > MAX_RECIPIENTS)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `a record has 1 to ${MAX_RECIPIENTS} recipients, not ${count}`,
    );
  const infos: RecipientInfo[] = [...kept];
  for (const recipient of recipients) {
    const info = wrapForRecipient(keys.contentKey, recipient, random);
    infos.push(info instanceof Promise ? await info : info);
  }
  const content = encodeAuthEnvelopedData({
    recipients: infos,
    ...sealKeyBlob(keys, metadata.algorithm, random),
  });
  const bound = encodeBoundMetadata(keys, metadata, signer.publicKey);
  return readBack(
    await signedMessage(signer, { type: 'contentInfo', content, signingTime, metadata: bound }),
  );
}

/**
 * Makes a key record of the classic profile: a SIMPLEBLOB, byte for byte, signed.
 *
 * @param sessionKey - The key inside the blob: commitment and bind are made of it. Read, not kept.
 * @param simpleBlob - What CryptExportKey(SIMPLEBLOB) gave; its ALG_ID is the metadata's.
 */
export async function sealClassicRecord(
  sessionKey: SecretBytes,
  simpleBlob: Uint8Array,
  metadata: UnboundMetadata,
  options: Omit<SealOptions, 'recipients'>,
): Promise<Uint8Array> {
  return (await sealClassic(sessionKey, simpleBlob, metadata, options)).bytes;
}

/** As {@link sealClassicRecord}, with what was read back. */
// oxlint-disable-next-line max-params -- as sealClassicRecord
export async function sealClassic(
  sessionKey: SecretBytes,
  simpleBlob: Uint8Array,
  metadata: UnboundMetadata,
  options: Omit<SealOptions, 'recipients'>,
): Promise<SealedRecord> {
  const { algId } = decodeSimpleBlob(simpleBlob);
  if (algId !== metadata.algorithm)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'the SIMPLEBLOB is of another algorithm than its metadata',
    );
  const { signer, signingTime } = options;
  const bound = encodeBoundMetadata({ sessionKey }, metadata, signer.publicKey);
  return readBack(
    await signedMessage(signer, {
      type: 'keyBlob',
      content: simpleBlob,
      signingTime,
      metadata: bound,
    }),
  );
}

/** What a reader would refuse is not given out: a label too long, a cost out of bounds, a recipient twice. */
function readBack(bytes: Uint8Array): SealedRecord {
  try {
    return { bytes, metadata: decodeKeyRecord(bytes).metadata };
  } catch (error) {
    if (error instanceof BlobFormatError)
      throw new KeyStoreError('PARAMETER_INVALID', `${error.field}: ${error.problem}`);
    throw error;
  }
}

function sealKeyBlob(
  { sessionKey, contentKey }: Required<CommittedKey>,
  algorithm: number,
  random: RandomFill,
) {
  const nonce = new Uint8Array(NONCE_LENGTH);
  random(nonce);
  using blob = new SecretBytes(plaintextKeyBlobLength(sessionKey.length));
  encodePlaintextKeyBlobInto({ algId: algorithm, key: sessionKey.bytes }, blob.bytes);
  const { ciphertext, tag } = sealAesGcm({ key: contentKey.bytes, nonce, plaintext: blob.bytes });
  return { nonce, ciphertext, tag };
}

const CONTENT_KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
