/** Hostile bytes for the decoders of test/support/decoders/signed-log.ts. */
import { SIGNED_LOG_DECODERS } from '../../support/decoders/signed-log.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(SIGNED_LOG_DECODERS);
