/** Hostile bytes for the decoders of test/support/decoders/wine.ts. */
import { WINE_DECODERS } from '../../support/decoders/wine.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(WINE_DECODERS);
