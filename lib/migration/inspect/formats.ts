/** The table of formats that inspect knows. A new format is a row here: how its bytes are known, which decoder reads them, and one sentence. */
import { CERTIFICATES } from './certificates.ts';
import { CNG_BLOBS } from './cng-blobs.ts';
import { DER_KEYS } from './der-keys.ts';
import type { FileStart, FormatReader } from './format-reader.ts';
import { GROUP_KEYS } from './group-keys.ts';
import { KEY_BLOBS } from './key-blobs.ts';
import { KEYCASK_FILES } from './keycask-files.ts';
import { LENGTH_PREFIXED } from './length-prefixed.ts';
import { SIGNED_LOG_FILES } from './signed-log-files.ts';
import { textReaders } from './text.ts';
import { WINDOWS_FILES } from './windows-files.ts';

/** Formats with a mark of their own, then those that are told by their shape. */
const BINARY: readonly FormatReader[] = [
  ...KEYCASK_FILES,
  ...SIGNED_LOG_FILES,
  ...GROUP_KEYS,
  ...WINDOWS_FILES,
  ...KEY_BLOBS,
  LENGTH_PREFIXED,
  ...CNG_BLOBS,
  ...DER_KEYS,
  ...CERTIFICATES,
];

const TEXT = textReaders((start: FileStart) => BINARY.some((row) => row.detect(start)));

/** In the order that they are asked in. */
export const FORMATS: readonly FormatReader[] = [...BINARY, ...TEXT];
