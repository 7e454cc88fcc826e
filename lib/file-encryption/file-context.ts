/**
 * The context of an encrypted file: public name = value pairs that are authenticated with it.
 *
 *   each pair: name length u8 (1..255) | name | value length u16 BE | value      UTF-8, names strictly ascending by their bytes
 *
 * One order, so that equal contexts are equal bytes and no name can occur twice. Names have no control character and no `=`, so that
 * `name=value` on a command line means one pair.
 */
import type { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { compareBytes, decodeUtf8, encodeUtf8 } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';

/** Not secret: it lies readable in the file's header. */
export type FileContext = Readonly<Record<string, string>>;

/** Size of an encoded context in bytes. */
export const MAX_CONTEXT = 4096;
const MAX_NAME = 255;
const LENGTHS = 3;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN_IN_NAME = /[\u0000-\u001f\u007f-\u009f=]/u;

/** @throws KeyStoreError PARAMETER_INVALID: a name or a value that the encoding does not allow, or more than 4 KiB. */
export function encodeFileContext(context: FileContext): Uint8Array {
  const pairs = Object.entries(context)
    .map(([name, value]) => ({ name: encodeName(name), value: encodeText(value) }))
    .toSorted((a, b) => compareBytes(a.name, b.name));
  let length = 0;
  for (const { name, value } of pairs) length += LENGTHS + name.length + value.length;
  if (length > MAX_CONTEXT) {
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `a context has at most ${MAX_CONTEXT} bytes, this one ${length}`,
    );
  }
  const w = new BlobWriter(length);
  for (const { name, value } of pairs) {
    w.u8(name.length).bytes(name).u16be(value.length).bytes(value);
  }
  return w.finish();
}

/** @throws BlobFormatError */
export function decodeFileContext(r: BlobReader): FileContext {
  const pairs: [string, string][] = [];
  let previous: Uint8Array | undefined;
  while (r.left > 0) {
    const length = r.u8('context.name length');
    const name = r.bytes('context.name', length);
    if (previous && compareBytes(previous, name) >= 0) r.fail('context.name', 'not ascending');
    previous = name;
    const text = decodeUtf8(name);
    if (text === undefined || !isName(text)) r.fail('context.name', 'not a name');
    const value = decodeUtf8(r.bytes('context.value', r.u16be('context.value length')));
    if (value === undefined) r.fail('context.value', 'not UTF-8');
    pairs.push([text, value]);
  }
  r.end();
  // Defines own properties, so that a pair called __proto__ is only a pair.
  return Object.fromEntries(pairs);
}

/**
 * Refuses a file whose context lacks a pair that the caller expects or has another value for it.
 *
 * @throws KeyStoreError CONTEXT_MISMATCH, naming the pair but not the values.
 */
export function requireContext(actual: FileContext, expected: FileContext = {}): void {
  for (const [name, value] of Object.entries(expected)) {
    if (!Object.hasOwn(actual, name))
      throw new KeyStoreError('CONTEXT_MISMATCH', `the file was encrypted without "${name}"`);
    if (actual[name] !== value)
      throw new KeyStoreError(
        'CONTEXT_MISMATCH',
        `the file was encrypted with another value of "${name}"`,
      );
  }
}

function isName(name: string): boolean {
  return name.length > 0 && !FORBIDDEN_IN_NAME.test(name);
}

function encodeName(name: string): Uint8Array {
  const bytes = encodeText(name);
  if (!isName(name) || bytes.length > MAX_NAME) {
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `a context name has 1 to ${MAX_NAME} bytes, no control character and no "="`,
    );
  }
  return bytes;
}

function encodeText(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  // A lone surrogate has no UTF-8: the encoder would replace it, and two contexts would become one.
  if (decodeUtf8(bytes) !== text)
    throw new KeyStoreError('PARAMETER_INVALID', 'the context has text that is not well formed');
  return bytes;
}
