/** Hostile bytes for the decoders of test/support/decoders/keycask.ts. */
import { KEYCASK_DECODERS } from '../../support/decoders/keycask.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(KEYCASK_DECODERS);
