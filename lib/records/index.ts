/** keycask/records: reading, verifying and converting key records. */
export {
  decodeKeyRecord,
  recipientInfoToSimpleBlob,
  simpleBlobToRecipientInfo,
  type UnverifiedKeyRecord,
} from './decode.ts';
export { verifyKeyRecord, type TrustedSigner, type VerifyOptions } from './verify.ts';
export { VerifiedKeyRecord, type SignerTrust } from '../contracts/verified-record.ts';
export type { KeyMetadata, Provenance } from '../cms/metadata.ts';
export type { RecipientInfo } from '../cms/recipient-info.ts';
export type { Signer } from '../cms/signed-data.ts';
export { KeyStoreError, BlobFormatError, type KeyStoreErrorCode } from '../errors.ts';
