/** Progress on a terminal: one line on stderr, drawn only when the work takes long enough to wonder. */
import process from 'node:process';
import type { SingleBar } from 'cli-progress';
import type { CommandContext } from './context.ts';
import { printable } from './printable.ts';

/** Work that is done sooner shows nothing. */
const SHOW_AFTER_MS = 400;
const LONGEST_NAME = 40;
const MIB = 1024 * 1024;

/** How far the work is. */
export interface ProgressState {
  /** What is worked on now. */
  readonly name?: string | undefined;
  /** Things done: files, keys. */
  readonly done?: number;
  /** Where it is known: then a bar is drawn. */
  readonly total?: number | undefined;
  readonly bytes?: number;
  readonly bytesTotal?: number | undefined;
}

export class Progress implements Disposable {
  #state: ProgressState = {};
  #bar: SingleBar | undefined;
  #stopped = false;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #context: CommandContext;

  /**
   * @param unit - What is counted: `files`, `keys`.
   * @param isWanted - False where the terminal is busy with the data themselves.
   */
  constructor(context: CommandContext, unit: string, isWanted = true) {
    this.#context = context;
    const { json, quiet } = context.output;
    if (!process.stderr.isTTY || json || quiet || !isWanted) return;
    this.#timer = setTimeout(() => void this.#show(unit), SHOW_AFTER_MS);
    // The line is drawn again at its next tick, below what was printed.
    const clear = () => {
      if (this.#bar) process.stderr.write('\r\u{1b}[K');
    };
    context.failures.beforeReport = clear;
    context.output.beforeWrite = clear;
  }

  update(state: ProgressState): void {
    this.#state = { ...this.#state, ...state };
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#bar?.stop();
    this.#context.failures.beforeReport = () => undefined;
    this.#context.output.beforeWrite = () => undefined;
  }

  async #show(unit: string): Promise<void> {
    const { default: progress } = await import('cli-progress');
    if (this.#stopped) return;
    this.#bar = new progress.SingleBar({
      format: (options, { progress: part }, payload: ProgressState) =>
        lineOf(payload, { unit, part }),
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      // Its own listeners would answer an interruption before ours do.
      gracefulExit: false,
    });
    this.#bar.start(1, 0, this.#state);
    this.#draw();
  }

  #draw(): void {
    this.#bar?.update(partOf(this.#state) ?? 0, this.#state);
  }
}

const BAR_LENGTH = 24;

function lineOf(state: ProgressState, { unit, part }: { unit: string; part: number }): string {
  const filled = Math.round(Math.min(part, 1) * BAR_LENGTH);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_LENGTH - filled)}] ${Math.floor(part * 100)}%`;
  const { done, total, bytes, bytesTotal, name = '' } = state;
  const columns = [
    partOf(state) === undefined ? undefined : bar,
    done === undefined ? undefined : `${done}${total === undefined ? '' : `/${total}`} ${unit}`,
    bytes === undefined
      ? undefined
      : `${inMiB(bytes)}${bytesTotal ? `/${inMiB(bytesTotal)}` : ''} MiB`,
    shorten(printable(name)),
  ];
  return columns.filter(Boolean).join('  ');
}

/** Between 0 and 1; undefined where the end is not known. */
function partOf({ done = 0, total, bytes = 0, bytesTotal }: ProgressState): number | undefined {
  if (total !== undefined) return done / total;
  return bytesTotal ? bytes / bytesTotal : undefined;
}

function inMiB(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

function shorten(name: string): string {
  return name.length <= LONGEST_NAME ? name : `…${name.slice(1 - LONGEST_NAME)}`;
}
