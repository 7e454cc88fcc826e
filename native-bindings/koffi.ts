/** Loads koffi, which calls functions of the system's libraries, when it is first needed. */
import type * as koffi from 'koffi';
import { KeyStoreError } from '../lib/errors.ts';
import { remember } from './remember.ts';

export type Koffi = typeof koffi;

/**
 * The package koffi, loaded once. A static import would load a native module into every program that imports keycask.
 *
 * @throws KeyStoreError MODULE_MISSING where it is not installed: it is optional.
 */
export const loadKoffi: () => Promise<Koffi> = remember(async () => {
  try {
    return await import('koffi');
  } catch {
    throw new KeyStoreError(
      'MODULE_MISSING',
      'the package koffi could not be loaded: calls of Windows, of the C library, and of OpenSSL for RC2, RC4 and MD4, need it',
      { hint: 'Install it: `npm install koffi`.' },
    );
  }
});
