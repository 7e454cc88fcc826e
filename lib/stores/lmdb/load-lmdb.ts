/** Loads the package lmdb, which holds a native module, when it is first needed. */
import { createRequire } from 'node:module';
import type * as lmdb from 'lmdb';
import { KeyStoreError } from '../../errors.ts';

export type Lmdb = typeof lmdb;

/**
 * The package lmdb.
 *
 * @throws KeyStoreError MODULE_MISSING where it is not installed: it is optional.
 */
export async function loadLmdb(): Promise<Lmdb> {
  try {
    return await import('lmdb');
  } catch {
    throw missing();
  }
}

/**
 * The file that a thread of its own loads, which is given as text and therefore has no place to look for packages from.
 *
 * @throws KeyStoreError MODULE_MISSING
 */
export function findLmdb(): string {
  try {
    return createRequire(import.meta.url).resolve('lmdb');
  } catch {
    throw missing();
  }
}

function missing(): KeyStoreError {
  return new KeyStoreError(
    'MODULE_MISSING',
    'the package lmdb could not be loaded: the lmdb store needs it',
    { hint: 'Install it: `npm install lmdb`.' },
  );
}
