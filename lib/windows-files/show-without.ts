/** Structures that hold a secret print, log and serialize without it. */

/** Gives `value` a `toJSON` and a Node inspector that show a mark in place of the named fields. The fields themselves stay. */
export function showWithout<T extends object>(value: T, secretFields: readonly (keyof T)[]): T {
  const show = (): Record<string, unknown> => ({
    ...value,
    ...Object.fromEntries(secretFields.map((field) => [field, '[secret]'])),
  });
  return Object.defineProperties(value, {
    toJSON: { value: show },
    [Symbol.for('nodejs.util.inspect.custom')]: { value: show },
  });
}
