/** One statement of SQL with its values: sent at once, unnamed, so that a pooler may give each to another connection. */

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A name in SQL, in quotes. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An id as PostgreSQL takes a uuid; 32 hex digits will do. */
export function idOfUuid(uuid: unknown): string {
  return String(uuid).replaceAll('-', '');
}

/**
 * A column of bytes, of which no more is sent than shows that it is too long: whoever can write to the database chooses what lies there, and pg
 * holds an answer in memory.
 */
export function bounded(column: string, most: number): string {
  return `substring(${column} FROM 1 FOR ${most + 1}) AS ${column}`;
}
