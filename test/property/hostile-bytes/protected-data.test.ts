/** Hostile bytes for the decoders of test/support/decoders/protected-data.ts. */
import { PROTECTED_DATA_DECODERS } from '../../support/decoders/protected-data.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(PROTECTED_DATA_DECODERS);
