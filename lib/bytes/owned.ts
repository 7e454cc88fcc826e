/** Decoded private keys own their numbers: one buffer, which disposing of the blob wipes. */
import { redacted } from './redacted.ts';

/**
 * A blob of facts and of copies of numbers.
 *
 * @param facts - What is no number: the blob's type, the size of its modulus.
 * @param numbers - Views of the input, which is read to its end by then: nothing is copied of a blob that is refused.
 * @param secretFields - Numbers that are not shown when the blob is printed, logged or serialized.
 */
export function owned<Facts extends object, Numbers extends Record<string, Uint8Array>>(
  facts: Facts,
  numbers: Numbers,
  secretFields: readonly (keyof Numbers)[],
): Facts & Numbers & Disposable {
  let length = 0;
  for (const number of Object.values(numbers)) length += number.length;
  const own = new Uint8Array(new ArrayBuffer(length));
  const copies: Record<string, Uint8Array> = {};
  let at = 0;
  for (const [field, number] of Object.entries(numbers)) {
    const copy = own.subarray(at, at + number.length);
    copy.set(number);
    copies[field] = copy;
    at += number.length;
  }
  const blob = { ...facts, ...copies } as Facts & Numbers & Disposable;
  Object.defineProperty(blob, Symbol.dispose, { value: () => own.fill(0) });
  return redacted(blob, secretFields);
}
