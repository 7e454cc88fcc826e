/** Hostile bytes for the decoders of test/support/decoders/cng-blobs.ts. */
import { CNG_BLOB_DECODERS } from '../../support/decoders/cng-blobs.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(CNG_BLOB_DECODERS);
