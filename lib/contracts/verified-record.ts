/** VerifiedKeyRecord: a key record whose signature was checked. Only these can be opened, and only `verify` makes them. */
export {
  VerifiedKeyRecord,
  type SealedContent,
  type SignerTrust,
  type VerifiedRecordParts,
} from './mint-verified-record.ts';
