/** The terminal of the person who runs the command: reads a line as bytes, with or without echo. */
import { closeSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { ReadStream } from 'node:tty';
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { LineEditor } from './line-editor.ts';
import { printable } from './printable.ts';

/** Longest line that is read; a passphrase beyond it is refused, not cut. */
export const MAX_LINE = 4096;

export interface ReadLineOptions {
  readonly prompt: string;
  readonly echo: boolean;
  readonly signal: AbortSignal;
}

/** The controlling terminal, so that data may come in by standard input. */
export class Terminal implements Disposable {
  readonly #input: ReadStream;
  readonly #output: number;

  private constructor(input: ReadStream, output: number) {
    this.#input = input;
    this.#output = output;
  }

  /** @returns undefined where nobody sits at one. */
  static open(): Terminal | undefined {
    if (process.platform === 'win32') {
      const { stdin } = process;
      return stdin.isTTY && process.stderr.isTTY
        ? new Terminal(stdin, process.stderr.fd)
        : undefined;
    }
    let input: number | undefined;
    try {
      input = openSync('/dev/tty', 'r');
      return new Terminal(new ReadStream(input), openSync('/dev/tty', 'w'));
    } catch {
      if (input !== undefined) closeSync(input);
      return undefined;
    }
  }

  /**
   * Asks for one line.
   *
   * @returns Its bytes without the line's end; the caller owns them.
   * @throws KeyStoreError CANCELLED on Ctrl-C, Ctrl-D at the start, or the signal; USAGE where it is too long.
   */
  async readLine({ prompt, echo, signal }: ReadLineOptions): Promise<SecretBytes> {
    const editor = new LineEditor(MAX_LINE);
    // Before the prompt: what somebody types as soon as he sees it is not shown either.
    this.#input.setRawMode(true);
    try {
      writeSync(this.#output, printable(prompt));
      await this.#feed(editor, echo, signal);
      return editor.take();
    } finally {
      editor.dispose();
      this.#input.pause();
      this.#input.setRawMode(false);
      writeSync(this.#output, '\n');
    }
  }

  [Symbol.dispose](): void {
    if (this.#input === process.stdin) return;
    this.#input.destroy();
    closeSync(this.#output);
  }

  #feed(editor: LineEditor, echo: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const input = this.#input;
      const finish = (error?: unknown) => {
        input.off('data', onData).off('error', finish).off('end', onEnd);
        signal.removeEventListener('abort', onEnd);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onEnd = () => finish(new KeyStoreError('CANCELLED'));
      const onData = (chunk: Uint8Array) => {
        const shown = editor.length;
        const state = editor.feed(chunk);
        // A stream's chunk is a slice of a pool that is not wiped for us.
        chunk.fill(0);
        if (echo) this.#echo(editor, shown);
        if (state === 'cancelled') onEnd();
        else if (state === 'done') finish();
      };
      input.on('data', onData).on('error', finish).on('end', onEnd);
      signal.addEventListener('abort', onEnd);
      if (signal.aborted) onEnd();
      else input.resume();
    });
  }

  /** Raw mode shows nothing by itself. Only answers such as `yes` are echoed. */
  #echo(editor: LineEditor, shown: number): void {
    if (editor.length > shown) writeSync(this.#output, editor.bytes.subarray(shown));
    else if (editor.length < shown) writeSync(this.#output, '\b \b'.repeat(shown - editor.length));
  }
}
