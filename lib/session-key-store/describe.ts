/** What a record says, as plain data for people and for JSON. */
import { algIdName, describeAlgId } from '../blobs/alg-id.ts';
import { toHex } from '../bytes/octets.ts';
import type { KeyMetadata } from '../cms/metadata.ts';
import type { RecipientInfo } from '../cms/recipient-info.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import type { UnverifiedKeyRecord } from '../records/decode.ts';
import type { ListedRecord } from '../stores/manifest/manifested-store.ts';
import type { Home } from './home.ts';
import type { KeyInfo, RecipientSummary } from './types.ts';

/** @param ownKeyIds - Key identifiers, in hex, of this home's exchange keys. */
export function describeVerified(
  record: VerifiedKeyRecord,
  ownKeyIds: ReadonlySet<string>,
): KeyInfo {
  const { metadata, signer, profile, recipients, trust } = record.parts;
  return {
    ...describe({ metadata, profile, recipients }, ownKeyIds),
    signer: toHex(signer.keyId),
    decryptOnly: isDecryptOnly(metadata) || trust !== 'pinned',
  };
}

/** What a record claims, with the reason why it is not believed. */
export function describeUnverified(
  record: UnverifiedKeyRecord,
  state: KeyInfo['state'],
  ownKeyIds: ReadonlySet<string>,
): KeyInfo {
  return {
    ...describe(record, ownKeyIds),
    state,
    signer: toHex(record.signerKeyId),
    decryptOnly: true,
  };
}

/** A key that others know decrypts only until somebody adopts it: otherwise one would encrypt under a key that an attacker, or a colleague, chose. */
export function isDecryptOnly(metadata: KeyMetadata): boolean {
  return metadata.provenance === 'imported-unsigned' || metadata.provenance === 'imported-signed';
}

function describe(
  record: Pick<UnverifiedKeyRecord, 'metadata' | 'profile' | 'recipients'>,
  ownKeyIds: ReadonlySet<string>,
): KeyInfo {
  const { metadata, profile, recipients } = record;
  return {
    id: toHex(metadata.recordId),
    version: metadata.recordVersion,
    label: metadata.label,
    state: 'ok',
    purpose: metadata.purpose,
    algorithm: algorithmName(metadata.algorithm),
    effectiveBits: metadata.effectiveBits,
    created: metadata.created,
    ...(metadata.notAfter && { notAfter: metadata.notAfter }),
    provenance: metadata.provenance,
    attributes: metadata.attributes,
    profile,
    recipients: recipients.map((recipient) => summarize(recipient, ownKeyIds)),
    ...(metadata.commitment && { commitment: toHex(metadata.commitment) }),
  };
}

function summarize(recipient: RecipientInfo, ownKeyIds: ReadonlySet<string>): RecipientSummary {
  if (!('keyId' in recipient)) return { type: recipient.type, own: false };
  const keyId = toHex(recipient.keyId);
  return { type: recipient.type, keyId, own: ownKeyIds.has(keyId) };
}

/** `CALG_AES_256`; a number that wincrypt.h does not have stays visible. */
function algorithmName(algId: number): string {
  return algIdName(algId) ?? describeAlgId(algId);
}

/** A record of the store, verified; or, of one that is not as it should be, what the manifest lists and why. */
export async function describeStored(
  home: Home,
  { id, version, label }: Pick<ListedRecord, 'id' | 'version' | 'label'>,
): Promise<KeyInfo> {
  try {
    return describeVerified(await home.readRecord(id), home.ownKeyIds);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    return { id, version, label, state: error.code };
  }
}
