/** Every decoder there is: what test/property/hostile-bytes.test.ts tries. */
import type { Decoder } from './decoder.ts';
import { KEY_BLOB_DECODERS } from './key-blobs.ts';
import { KEYCASK_DECODERS } from './keycask.ts';

export const DECODERS: readonly Decoder[] = [...KEY_BLOB_DECODERS, ...KEYCASK_DECODERS];
