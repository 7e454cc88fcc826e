/** Every decoder there is: what test/property/hostile-bytes tries, list by list. */
import type { Decoder } from './decoder.ts';
import { CNG_BLOB_DECODERS } from './cng-blobs.ts';
import { KEY_BLOB_DECODERS } from './key-blobs.ts';
import { KEY_PAIR_DECODERS } from './key-pairs.ts';
import { KEYCASK_DECODERS } from './keycask.ts';
import { WINDOWS_FILE_DECODERS } from './windows-files.ts';
import { GKDI_DECODERS } from './gkdi.ts';
import { PROTECTED_DATA_DECODERS } from './protected-data.ts';
import { SIGNED_LOG_DECODERS } from './signed-log.ts';
import { WINE_DECODERS } from './wine.ts';

export const DECODERS: readonly Decoder[] = [
  ...CNG_BLOB_DECODERS,
  ...KEY_BLOB_DECODERS,
  ...KEY_PAIR_DECODERS,
  ...KEYCASK_DECODERS,
  ...WINDOWS_FILE_DECODERS,
  ...GKDI_DECODERS,
  ...PROTECTED_DATA_DECODERS,
  ...SIGNED_LOG_DECODERS,
  ...WINE_DECODERS,
];
