/** The values of a statement that is put together from parts, and many byte strings in one of them. */

/** They are named as they are added. */
export class Values {
  readonly all: unknown[] = [];

  /** @returns `$n`. */
  add(value: unknown): string {
    this.all.push(value);
    return `$${this.all.length}`;
  }

  /**
   * Byte strings joined to one, which pg sends as it is: an array of them would be written as text, and read from it.
   *
   * @returns `places`: two arrays for unnest(), in whose rows `part`, of `at` and `length`, is a byte string, or null.
   */
  addParts(parts: readonly (Uint8Array | undefined)[]): {
    readonly places: string;
    readonly part: string;
  } {
    const joined = this.add(Buffer.concat(parts.map((part) => part ?? NO_BYTES)));
    let next = 1;
    const ats = parts.map((part) => {
      const at = next;
      next += part?.length ?? 0;
      return at;
    });
    const lengths = parts.map((part) => part?.length ?? null);
    return {
      places: `${this.add(ats)}::integer[], ${this.add(lengths)}::integer[]`,
      part: partOf(joined, 'at', 'length'),
    };
  }
}

/** The SQL of a part of a byte string; counted from 1. */
// oxlint-disable-next-line max-params -- of what, from where, how long
export function partOf(joined: string, at: string, length: string | number): string {
  return `substring(${joined}::bytea FROM ${at} FOR ${length})`;
}

const NO_BYTES = new Uint8Array(0);
