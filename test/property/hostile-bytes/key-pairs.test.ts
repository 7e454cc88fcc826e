/** Hostile bytes for the decoders of test/support/decoders/key-pairs.ts. */
import { KEY_PAIR_DECODERS } from '../../support/decoders/key-pairs.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(KEY_PAIR_DECODERS);
