/** What failed, in tests: by code, never by message. */
import { toHex } from '../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import type { SecretBytes } from '../../lib/keys/secret-bytes.ts';

/** The code that `act` fails with; `none` where it does not fail; the error's text where it is no KeyStoreError. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return KeyStoreError.is(error) ? error.code : `not a KeyStoreError: ${String(error)}`;
  }
  return 'none';
}

/** Hex digits of the secret that `act` gives, which is disposed of, or the code that it fails with. */
export function secretOrCode(act: () => SecretBytes): string {
  let digits = '';
  const code = codeOf(() => {
    using secret = act();
    digits = toHex(secret.bytes);
  });
  return code === 'none' ? digits : code;
}

/** {@link codeOf} of a promise. */
export async function codeOfAsync(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return KeyStoreError.is(error) ? error.code : `not a KeyStoreError: ${String(error)}`;
  }
  return 'none';
}

/** The NTE number that `act` fails with; 0 where it does not fail. */
export function nteOf(act: () => unknown): number {
  try {
    act();
  } catch (error) {
    if (KeyStoreError.is(error)) return error.nte;
    throw error;
  }
  return 0;
}

/** {@link nteOf} of a promise. */
export async function nteOfAsync(promise: Promise<unknown>): Promise<number> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  return nteOf(() => {
    if (outcome) throw outcome.error;
  });
}

/** What `act` throws. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new TypeError('it did not fail');
}
