/** Decoded structures that hold a secret print, log and serialize without it. */

/** Gives `blob` a `toJSON` and a Node inspector that show a mark in place of the named fields. The fields themselves stay. */
export function redacted<T extends object>(blob: T, secretFields: readonly (keyof T)[]): T {
  const show = (): Record<string, unknown> => ({
    ...blob,
    ...Object.fromEntries(
      secretFields.filter((field) => field in blob).map((field) => [field, '[secret]']),
    ),
  });
  return Object.defineProperties(blob, {
    toJSON: { value: show },
    [Symbol.for('nodejs.util.inspect.custom')]: { value: show },
  });
}
