/** Hostile bytes for the decoders of test/support/decoders/gkdi.ts. */
import { GKDI_DECODERS } from '../../support/decoders/gkdi.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(GKDI_DECODERS);
