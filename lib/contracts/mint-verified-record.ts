/** The one way to make a VerifiedKeyRecord. The layer check lets only `records/verify.ts` import this file. */
export { minted as mintVerifiedKeyRecord } from './verified-record.ts';
