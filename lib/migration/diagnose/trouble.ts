/** Failures that say something of the machine, and nothing of the key that was tried. */
import { KeyStoreError } from '../../errors.ts';

/** No koffi, no OpenSSL to call, or an OpenSSL without its legacy provider. */
export function isOfTheMachine(error: unknown): error is KeyStoreError {
  return KeyStoreError.is(error) && CODES.has(error.code);
}

const CODES: ReadonlySet<string> = new Set([
  'MODULE_MISSING',
  'PROVIDER_UNAVAILABLE',
  'ALGORITHM_UNSUPPORTED',
]);
