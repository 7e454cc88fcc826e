/** Hostile bytes for the decoders of test/support/decoders/key-blobs.ts. */
import { KEY_BLOB_DECODERS } from '../../support/decoders/key-blobs.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(KEY_BLOB_DECODERS);
