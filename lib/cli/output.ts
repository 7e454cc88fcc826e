/** What a command answers: lines for people, or with --json one object a line. */
import process from 'node:process';
import { toHex } from '../bytes/octets.ts';
import type { KeyStoreError } from '../errors.ts';
import { printable, printableJson } from './printable.ts';

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A column of a table: its heading, its width unless it is the last, and what stands in it. */
export interface Column<T> {
  readonly heading: string;
  readonly width?: number;
  readonly text: (row: T) => string;
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;

  /** Called before lines are written: a progress bar clears itself. */
  beforeWrite: () => void = () => undefined;

  constructor(options: OutputOptions) {
    this.json = options.json === true;
    this.quiet = options.quiet === true;
  }

  /** The answer: the object with --json, else the line. */
  result(object: object, line: string): void {
    if (this.json) this.#object(object);
    else this.#write(`${printable(line)}\n`);
  }

  /** A remark beside the answer, on stderr; silent with --json and --quiet. */
  note(line: string): void {
    if (this.json || this.quiet) return;
    this.beforeWrite();
    process.stderr.write(`${printable(line)}\n`);
  }

  /** A list as it comes in: one object a line, or a table with a heading. */
  async table<T extends object>(
    columns: readonly Column<T>[],
    rows: AsyncIterable<T> | Iterable<T>,
  ): Promise<number> {
    let count = 0;
    for await (const row of rows) {
      if (this.json) this.#object(row);
      else {
        if (count === 0) this.#row(columns, ({ heading }) => heading);
        this.#row(columns, ({ text }) => text(row));
      }
      count++;
    }
    return count;
  }

  /** Names and values, one a line; names with undefined values are left out. */
  fields(object: object, fields: readonly (readonly [name: string, value: string | undefined])[]) {
    if (this.json) return this.#object(object);
    const shown = fields.filter(([, value]) => value !== undefined);
    const width = Math.max(...shown.map(([name]) => name.length));
    for (const [name, value] of shown)
      this.#write(`${`${name}:`.padEnd(width + 3)}${printable(value!)}\n`);
  }

  /** Text that stands for itself, such as PEM; with --json the object. */
  text(object: object, text: string): void {
    if (this.json) this.#object(object);
    else this.#write(text);
  }

  /** A failure of one of many, for programs: people read it on stderr. */
  failure(subject: Record<string, string>, error: KeyStoreError): void {
    if (this.json) this.#object({ ...subject, error });
  }

  #write(text: string): void {
    this.beforeWrite();
    process.stdout.write(text);
  }

  #object(object: object): void {
    const json = JSON.stringify(object, (_, value: unknown) =>
      value instanceof Uint8Array ? toHex(value) : value,
    );
    this.#write(`${printableJson(json)}\n`);
  }

  #row<T>(columns: readonly Column<T>[], cell: (column: Column<T>) => string): void {
    const cells = columns.map((column) => printable(cell(column)).padEnd(column.width ?? 0));
    this.#write(`${cells.join('  ').trimEnd()}\n`);
  }
}

/** To the minute, in UTC: `2026-11-21 21:48Z`. */
export function shortDate(date: Date | undefined): string {
  return date ? `${date.toISOString().slice(0, 16).replace('T', ' ')}Z` : '';
}
