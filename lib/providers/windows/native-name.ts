/** What a key is called where Windows keeps it. */
import { createHash } from 'node:crypto';
import { concatBytes, encodeUtf8, toHex } from '../../bytes/octets.ts';
import type { KeyName } from '../rules/key-storage.ts';

export interface NativeName {
  /** The key's own name, where Windows tells it from every other; undefined where it would not. */
  readonly plain: string | undefined;
  /** A name for every other key: `keycask-` and 40 digits. Its own name lies with the key. */
  readonly hashed: string;
}

/**
 * Windows names key files by a hash of the lower-cased name, and CryptoAPI keeps it in the code page of the machine: of names with capital
 * letters or letters beyond ASCII, two could be one.
 */
export function nativeNameOf({ name, legacyKeySpec }: KeyName): NativeName {
  const isPlain = PLAIN.test(name) && !name.startsWith(PREFIX) && name.trim() === name;
  const named = concatBytes(encodeUtf8(`${legacyKeySpec}\0`), encodeUtf8(name));
  const digest = createHash('sha256').update(named).digest().subarray(0, 20);
  return { plain: isPlain ? name : undefined, hashed: `${PREFIX}${toHex(digest)}` };
}

export function isHashedName(nativeName: string): boolean {
  return HASHED.test(nativeName);
}

const PREFIX = 'keycask-';
const HASHED = /^keycask-[0-9a-f]{40}$/;
/** MAX_PATH, less what a suffix may need. */
const PLAIN = /^[0-9a-z ._~{}-]{1,200}$/;
