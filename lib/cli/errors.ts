/** Failures on stderr: two lines each, `keycask: error: …` and `keycask: hint: …`; and the exit code that they add up to. */
import process from 'node:process';
import type { CommanderError } from 'commander';
import { ERROR_CODES, type ExitCode, type KeyStoreErrorCode } from '../error-codes.ts';
import { KeyStoreError } from '../errors.ts';
import { fsError } from '../platform/fs-error.ts';
import { printable } from './printable.ts';

/** What went wrong in one run, and where. */
export class Failures {
  #exitCode: ExitCode | 0 = 0;

  /** Called before lines go to stderr: a progress bar clears itself. */
  beforeReport: () => void = () => undefined;

  /** The highest of all failures: a refused file (3) outweighs a missing one (1), an interruption (130) everything. */
  get exitCode(): ExitCode | 0 {
    return this.#exitCode;
  }

  /** Counts a failure that was told of in another way. */
  note(code: KeyStoreErrorCode): void {
    const { exit } = ERROR_CODES[code];
    if (exit > this.#exitCode) this.#exitCode = exit;
  }

  /**
   * Prints a failure and counts it.
   *
   * @param subject - The file or key that failed; said first, unless the message names it, or what it belongs to.
   */
  report(error: unknown, subject?: string, belongings: readonly string[] = []): KeyStoreError {
    const failure = toKeyStoreError(error);
    this.note(failure.code);
    const message = sentence(failure.message, ERROR_CODES[failure.code].meaning);
    const named =
      subject === undefined ||
      [subject, ...belongings].some((name) => failure.message.includes(name))
        ? message
        : `${subject}: ${message}`;
    const [nteNumber, nteName] = failure.nteText.split(' ');
    this.beforeReport();
    writeLine('error', `${named} [${failure.code}, ${nteName!.slice(1, -1)} ${nteNumber}]`);
    writeLine('hint', sentence(failure.hint, failure.hint));
    if (process.env['KEYCASK_DEBUG'] && error instanceof Error && error.stack)
      process.stderr.write(`${error.stack}\n`);
    return failure;
  }

  /** Says something that is no failure but should be known. */
  warn(message: string): void {
    this.beforeReport();
    writeLine('warning', message);
  }
}

/** Whatever was thrown, as the one error class. A mistake of keycask's own is INTERNAL. */
export function toKeyStoreError(error: unknown): KeyStoreError {
  if (KeyStoreError.is(error)) return error;
  if (!(error instanceof Error)) return new KeyStoreError('INTERNAL', `thrown: ${String(error)}`);
  if (error.name === 'AbortError') return new KeyStoreError('CANCELLED');
  const path = (error as NodeJS.ErrnoException).path ?? 'standard input or output';
  const fromSystem = fsError(error, path);
  if (KeyStoreError.is(fromSystem)) return fromSystem;
  return new KeyStoreError('INTERNAL', `${error.name}: ${error.message}`);
}

/** Commander's own errors: `error: unknown option '--frce'\n(Did you mean --force?)`. */
export function usageError(error: CommanderError): KeyStoreError {
  const [first = '', suggestion] = error.message.split('\n');
  const message = first.replace(/^error: /u, '');
  const hint = suggestion?.replace(/^\((.*)\)$/u, '$1');
  return new KeyStoreError('USAGE', message, hint ? { hint } : {});
}

/** A usage error of our own, with what to type instead. */
export function usage(message: string, hint: string): KeyStoreError {
  return new KeyStoreError('USAGE', message, { hint });
}

/** Of the run or of the person at the keyboard. */
const OF_NO_FILE: readonly KeyStoreErrorCode[] = ['CANCELLED', 'PASSWORD_REQUIRED'];

/**
 * Says which file or key an error is about, where its message names neither it nor what belongs to it.
 */
export async function about<T>(
  subject: string,
  work: () => Promise<T>,
  belongings: readonly string[] = [],
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const failure = toKeyStoreError(error);
    const names = [subject, ...belongings];
    if (OF_NO_FILE.includes(failure.code) || names.some((name) => failure.message.includes(name)))
      throw failure;
    const { hint, native } = failure;
    const message = sentence(failure.message, ERROR_CODES[failure.code].meaning);
    throw new KeyStoreError(failure.code, `${subject}: ${message}`, {
      hint,
      ...(native && { native }),
    });
  }
}

/** Lower case and without a full stop, as messages in a terminal are; file names and codes at the front stay as they are. */
function sentence(text: string, tableText: string): string {
  if (text !== tableText) return text;
  const lowered = /^[A-Z][a-z]*[ ,']/u.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
  return lowered.replace(/\.$/u, '');
}

function writeLine(kind: 'error' | 'hint' | 'warning', text: string): void {
  process.stderr.write(`keycask: ${kind}: ${printable(text)}\n`);
}
