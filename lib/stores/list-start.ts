/** Where a listing begins in a store that compares ids as 16 bytes, whatever text `after` is. */

/** The first id that may be listed, or the last one that may not be. */
export interface ListStart {
  /** 32 lower-case hex digits. */
  readonly id: string;
  readonly isIncluded: boolean;
}

/**
 * The place in the order of ids that `after` has as a string.
 *
 * @returns Such that an id is after `after` if it is after `id`, or is `id` and that is included; undefined where no id is.
 */
export function listStart(after: string): ListStart | undefined {
  const digits = DIGITS.exec(after)?.[0] ?? '';
  if (digits.length === ID_DIGITS) return { id: digits, isIncluded: false };
  const next = after[digits.length];
  // Nothing follows: every id that begins with these digits is longer, and so comes after.
  if (next === undefined) return { id: digits.padEnd(ID_DIGITS, '0'), isIncluded: true };
  const larger = HEX.find((digit) => digit > next);
  if (larger !== undefined)
    return { id: (digits + larger).padEnd(ID_DIGITS, '0'), isIncluded: true };
  const id = digits.padEnd(ID_DIGITS, 'f');
  return id === LAST_ID ? undefined : { id, isIncluded: false };
}

const ID_DIGITS = 32;
const DIGITS = /^[0-9a-f]{0,32}/;
const HEX = Array.from('0123456789abcdef');
const LAST_ID = 'f'.repeat(ID_DIGITS);
