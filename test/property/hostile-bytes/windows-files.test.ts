/** Hostile bytes for the decoders of test/support/decoders/windows-files.ts. */
import { WINDOWS_FILE_DECODERS } from '../../support/decoders/windows-files.ts';
import { describeDecoders } from '../../support/describe-decoders.ts';

describeDecoders(WINDOWS_FILE_DECODERS);
