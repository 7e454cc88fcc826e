/** Data maps as JSON files: which key old data has, and with which parameters. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fromHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import type { DataMap, DataMapEntry } from './data-files.ts';

/**
 * Reads a data map.
 *
 * An array of objects: `data` and `key`, paths from where the map lies; and where they are known `mode` (`cbc`, `ecb`, `cfb`), `iv` (hex), `salt`
 * (`default`, `none`, or hex), `effectiveBits`.
 *
 * @throws KeyStoreError PARAMETER_INVALID, naming the entry; what reading a file throws.
 * @example
 * ```json
 * [{ "data": "letters/1998.enc", "key": "keys/letters.blob", "mode": "cbc", "iv": "0001020304050607" }]
 * ```
 */
export async function readDataMap(path: string): Promise<DataMap> {
  const text = (await withFsErrors(path, () => readFile(path, 'utf8'))).replace(
    BYTE_ORDER_MARK,
    '',
  );
  const folder = dirname(path);
  return entriesOf(text, path).map((entry, i) =>
    entryOf(entry, { folder, where: `${path}[${i}]` }),
  );
}

function entriesOf(text: string, path: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // Said below, with what is wanted.
  }
  throw new KeyStoreError('PARAMETER_INVALID', `${path}: want a JSON array of objects`);
}

function entryOf(
  entry: unknown,
  { folder, where }: { readonly folder: string; readonly where: string },
): DataMapEntry {
  const fail = (problem: string): never => {
    throw new KeyStoreError('PARAMETER_INVALID', `${where}: ${problem}`);
  };
  if (typeof entry !== 'object' || entry === null) return fail('want an object');
  const { data, key, mode, iv, salt, effectiveBits, ...others } = entry as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) fail(`there is no ${unknown}: want ${FIELDS}`);
  if (typeof data !== 'string' || typeof key !== 'string')
    return fail('want data and key, two paths');
  if (mode !== undefined && mode !== 'cbc' && mode !== 'ecb' && mode !== 'cfb')
    return fail('mode: want cbc, ecb or cfb');
  const hex = (name: string, value: unknown): Uint8Array =>
    (typeof value === 'string' ? fromHex(value) : undefined) ?? fail(`${name}: want hex`);
  if (effectiveBits !== undefined && !isEffectiveBits(effectiveBits))
    return fail(`effectiveBits: want a whole number from 1 to ${MAX_EFFECTIVE_BITS}`);
  if (iv !== undefined && !IV_LENGTHS.includes(hex('iv', iv).length))
    return fail('iv: want 8 or 16 bytes');
  return {
    data: resolve(folder, data),
    key: resolve(folder, key),
    ...(mode !== undefined && { mode }),
    ...(iv !== undefined && { iv: hex('iv', iv) }),
    ...(salt !== undefined && {
      salt: salt === 'default' || salt === 'none' ? salt : hex('salt', salt),
    }),
    ...(effectiveBits !== undefined && { effectiveBits }),
  };
}

function isEffectiveBits(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_EFFECTIVE_BITS;
}

/** Of what Windows' editors write as UTF-8. */
const BYTE_ORDER_MARK = /^\u{feff}/u;
const FIELDS = 'data, key, mode, iv, salt, effectiveBits';
/** RFC 2268 section 6 */
const MAX_EFFECTIVE_BITS = 1024;
/** A block of DES, 3DES, RC2; of AES. */
const IV_LENGTHS: readonly number[] = [8, 16];
