/** Loads the package pg, which speaks PostgreSQL's protocol, when it is first needed. */
import type * as pg from 'pg';
import { KeyStoreError } from '../../errors.ts';

export type Pg = typeof pg;

/**
 * The package pg.
 *
 * @throws KeyStoreError MODULE_MISSING where it is not installed: it is optional.
 */
export async function loadPg(): Promise<Pg> {
  try {
    return await import('pg');
  } catch {
    throw new KeyStoreError(
      'MODULE_MISSING',
      'the package pg could not be loaded: the postgres store needs it',
      { hint: 'Install it: `npm install pg`.' },
    );
  }
}
