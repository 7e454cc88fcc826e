/** Every decoder there is: what test/property/hostile-bytes.test.ts tries. */
import type { Decoder } from './decoder.ts';
import { CNG_BLOB_DECODERS } from './cng-blobs.ts';
import { KEY_BLOB_DECODERS } from './key-blobs.ts';
import { KEYCASK_DECODERS } from './keycask.ts';

export const DECODERS: readonly Decoder[] = [
  ...CNG_BLOB_DECODERS,
  ...KEY_BLOB_DECODERS,
  ...KEYCASK_DECODERS,
];
