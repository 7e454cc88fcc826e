/** Reading a record without believing it: for showing and inspecting. */
import { decodeSignedData, type Signer } from '../cms/signed-data.ts';
import { decodeKeyMetadata, type KeyMetadata } from '../cms/metadata.ts';
import type { RecipientInfo } from '../cms/recipient-info.ts';
import { decodeSimpleBlob, encodeSimpleBlob } from '../blobs/simple-blob.ts';
import { KeyStoreError } from '../errors.ts';
import { readContent } from './verify.ts';

/** What a record claims. Nothing of it was verified. */
export interface UnverifiedKeyRecord {
  readonly metadata: KeyMetadata;
  readonly signerKeyId: Uint8Array;
  /** DER of the certificate inside the record. */
  readonly certificate: Uint8Array;
  readonly signingTime: Date;
  readonly profile: 'envelope' | 'classic';
  readonly recipients: readonly RecipientInfo[];
}

/**
 * Reads what a record claims, without checking who signed it.
 *
 * @throws KeyStoreError BLOB_TOO_LARGE, BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED, BLOB_ALGORITHM_UNSUPPORTED.
 */
export function decodeKeyRecord(bytes: Uint8Array): UnverifiedKeyRecord {
  const { message, signer } = decodeSignedData<Signer>(
    bytes,
    ['contentInfo', 'keyBlob'],
    (keyId, certificate) => ({ keyId, certificate, publicKey: new Uint8Array(0) }),
  );
  const metadata = decodeKeyMetadata(message.metadata!);
  const { profile, recipients } = readContent(message, metadata);
  return {
    metadata,
    signerKeyId: signer.keyId,
    certificate: signer.certificate,
    signingTime: message.signingTime,
    profile,
    recipients,
  };
}

/** A SIMPLEBLOB's wrapped key as a ktri recipient: the RSA block turns big-endian (FORMATS section 1.3). */
export function simpleBlobToRecipientInfo(
  simpleBlob: Uint8Array,
  keyId: Uint8Array,
): RecipientInfo {
  return { type: 'rsa-pkcs1', keyId, encryptedKey: decodeSimpleBlob(simpleBlob).encryptedKey };
}

/** The way back: a ktri recipient of PKCS#1 v1.5 as the SIMPLEBLOB that CryptImportKey takes. */
export function recipientInfoToSimpleBlob(recipient: RecipientInfo, algId: number): Uint8Array {
  if (recipient.type !== 'rsa-pkcs1')
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'a SIMPLEBLOB holds a key wrapped by RSA PKCS#1 v1.5',
    );
  return encodeSimpleBlob({ algId, encryptedKey: recipient.encryptedKey });
}
