/** Re-wrapping: the same session key for other recipients, as the next version of its record. */
import { randomFillSync } from 'node:crypto';
import type { KeyMetadata } from '../cms/metadata.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes, type RandomFill } from '../keys/secret-bytes.ts';
import type { SigningIdentity } from '../messages/sign-message.ts';
import { SEARCHABLE_BELOW, type UnboundMetadata } from './commitment.ts';
import { openKeys, type RecordOpeners } from './open.ts';
import type { Recipient } from './recipient.ts';
import { sealEnvelope } from './seal.ts';

export interface RewrapOptions {
  /** Indexes in `record.recipients` of those that stay. */
  readonly keep: readonly number[];
  readonly add: readonly Recipient[];
  /** What changes besides the version: label, purpose, algorithm, created and id never do. */
  readonly changes?: Partial<
    Pick<KeyMetadata, 'notAfter' | 'storeId' | 'provenance' | 'attributes' | 'recordVersion'>
  >;
  readonly signer: SigningIdentity;
  readonly signingTime: Date;
  readonly random?: RandomFill;
}

/**
 * Makes the next version of a record: same session key, id, label, created and commitment; new envelope, bind and signature.
 *
 * Recipients that stay keep their wrapping, so that nobody's certificate or password is needed again; the content-encryption key
 * then stays too, which gives a dropped recipient nothing: the session key itself is one that he has seen.
 *
 * @throws KeyStoreError what {@link openKeyRecord} throws; PARAMETER_INVALID where a kept recipient does not exist or none is left.
 */
export async function rewrapKeyRecord(
  record: VerifiedKeyRecord,
  openers: RecordOpeners,
  options: RewrapOptions,
): Promise<Uint8Array> {
  const { keep, add, changes, signer, signingTime, random = randomFillSync } = options;
  const { commitment: _commitment, bind: _bind, ...metadata } = record.metadata;
  const kept = keep.map((index) => {
    const info = record.recipients[index];
    if (!info || record.parts.profile === 'classic')
      throw new KeyStoreError('PARAMETER_INVALID', `recipient ${index} cannot be kept`);
    return info;
  });
  const opened = await openKeys(record, openers);
  using sessionKey = opened.sessionKey;
  using contentKey =
    keptContentKey(opened.contentKey, kept.length, sessionKey) ??
    SecretBytes.random(CONTENT_KEY_LENGTH, random);
  const next: UnboundMetadata = {
    ...metadata,
    recordVersion: metadata.recordVersion + 1,
    ...changes,
  };
  const all = { recipients: add, kept, signer, signingTime, random };
  return (await sealEnvelope({ sessionKey, contentKey }, next, all)).bytes;
}

/** The old content-encryption key where somebody's wrapping of it stays, or where the commitment is made of it. */
function keptContentKey(
  contentKey: SecretBytes | undefined,
  kept: number,
  sessionKey: SecretBytes,
): SecretBytes | undefined {
  const committed = sessionKey.length < SEARCHABLE_BELOW;
  if (contentKey && (kept > 0 || committed)) return contentKey;
  contentKey?.dispose();
  return undefined;
}

const CONTENT_KEY_LENGTH = 32;
