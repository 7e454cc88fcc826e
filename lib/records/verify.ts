/** Verifying key records: the only way to a VerifiedKeyRecord. */
import { plausibleKeyLengths } from '../blobs/alg-id.ts';
import { decodeSimpleBlob } from '../blobs/simple-blob.ts';
import { copyBytes, equalBytes, toHex } from '../bytes/octets.ts';
import { decodeAuthEnvelopedData } from '../cms/auth-enveloped-data.ts';
import { decodeKeyMetadata, type KeyMetadata } from '../cms/metadata.ts';
import type { SignedMessage, Signer } from '../cms/signed-data.ts';
import { mintVerifiedKeyRecord } from '../contracts/mint-verified-record.ts';
import type {
  SignerTrust,
  VerifiedKeyRecord,
  VerifiedRecordParts,
} from '../contracts/verified-record.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import type { CheckSignature } from '../keys/signature.ts';
import { verifyMessage, verifyMessageBy } from '../messages/verify-message.ts';

/** A signer and how far it is trusted. */
export interface TrustedSigner extends Signer {
  readonly trust: SignerTrust;
}

/** What a record is expected to be, beyond being genuine. */
export interface VerifyOptions {
  /** The pin of a signer; throws BLOB_SIGNER_NOT_TRUSTED where there is none. */
  readonly findSigner: (keyId: Uint8Array, certificate: Uint8Array) => TrustedSigner;
  /** Record id in hex, where the record was asked for by its id. */
  readonly id?: string;
  /** The version that the manifest lists. */
  readonly version?: number;
  /** 16 bytes; of records that come from a store. */
  readonly storeId?: Uint8Array;
}

/**
 * Checks a key record in the order of DESIGN section 4: size, outer DER, signer pinned, certificate equals the pin, strict rest,
 * signature, then id, store and version.
 *
 * @throws KeyStoreError BLOB_TOO_LARGE, BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED, BLOB_ALGORITHM_UNSUPPORTED,
 *   BLOB_SIGNER_NOT_TRUSTED, BLOB_SIGNATURE_INVALID (NTE_BAD_SIGNATURE), RECORD_MISPLACED, RECORD_ROLLED_BACK.
 * @example
 * ```ts
 * const record = verifyKeyRecord(bytes, { findSigner: pinned(certificate) });
 * console.log(record.metadata.label);
 * ```
 */
export function verifyKeyRecord(bytes: Uint8Array, options: VerifyOptions): VerifiedKeyRecord {
  return recordOf(bytes, verifyMessage(bytes, TYPES, options.findSigner), options);
}

/**
 * As {@link verifyKeyRecord}, with the signature checked by somebody else: of many records, on all cores.
 *
 * @param bytes - Not changed by anybody until the promise settles.
 */
export async function verifyKeyRecordBy(
  check: CheckSignature,
  bytes: Uint8Array,
  options: VerifyOptions,
): Promise<VerifiedKeyRecord> {
  return recordOf(bytes, await verifyMessageBy(check, bytes, TYPES, options.findSigner), options);
}

/** What remains once the signature fits. */
function recordOf(
  bytes: Uint8Array,
  { message, signer }: { readonly message: SignedMessage; readonly signer: TrustedSigner },
  options: VerifyOptions,
): VerifiedKeyRecord {
  const metadataDer = message.metadata!;
  const metadata = decodeKeyMetadata(metadataDer);
  checkPlace(metadata, options);
  const { trust, ...pin } = signer;
  const { signingTime } = message;
  return mintVerifiedKeyRecord({
    bytes: copyBytes(bytes),
    metadata,
    metadataDer,
    signer: pin,
    trust,
    signingTime,
    ...readContent(message, metadata),
  });
}

function checkPlace(metadata: KeyMetadata, { id, version, storeId }: VerifyOptions): void {
  if (id !== undefined && toHex(metadata.recordId) !== id)
    throw new KeyStoreError('RECORD_MISPLACED', 'the record is of another id');
  if (storeId && !equalBytes(metadata.storeId, storeId))
    throw new KeyStoreError('RECORD_MISPLACED', 'the record is of another store');
  if (version !== undefined && metadata.recordVersion !== version) {
    throw new KeyStoreError(
      'RECORD_ROLLED_BACK',
      `the record has version ${metadata.recordVersion}, the manifest lists ${version}`,
    );
  }
}

/** The content's parts in either profile; commitment and bind must be there wherever the profile has them. */
export function readContent(
  message: SignedMessage,
  metadata: KeyMetadata,
): Pick<
  VerifiedRecordParts,
  'profile' | 'recipients' | 'sealed' | 'simpleBlob' | 'plausibleLengths'
> {
  if (message.type === 'contentInfo') {
    const { recipients, ...sealed } = decodeAuthEnvelopedData(message.content);
    if (!metadata.bind)
      throw contradiction('commitment', 'an envelope record carries commitment and bind');
    return { profile: 'envelope', recipients, sealed };
  }
  const { algId, encryptedKey } = decodeSimpleBlob(message.content);
  if (algId !== metadata.algorithm)
    throw contradiction('algorithm', 'the SIMPLEBLOB is of another algorithm than its metadata');
  // A SIMPLEBLOB does not name its recipient: an empty key id stands for any RSA exchange key of that length.
  const recipients = [{ type: 'rsa-pkcs1', keyId: new Uint8Array(0), encryptedKey }] as const;
  return {
    profile: 'classic',
    recipients,
    simpleBlob: message.content,
    plausibleLengths: plausibleKeyLengths(algId),
  };
}

/** What the record's parts say of each other cannot be true. */
function contradiction(field: string, problem: string): BlobFormatError {
  return new BlobFormatError({ format: 'keycask-metadata', field, offset: 0, problem });
}

const TYPES = ['contentInfo', 'keyBlob'] as const;
