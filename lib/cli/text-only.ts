/** TextOnly: lets text pass to a terminal, and nothing that a terminal would take for commands. */
import { usage } from './errors.ts';

/** Control characters but tab, line feed, form feed and carriage return; ESC and C1 begin terminal commands. */
const COMMANDS = /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f]/u;

export class TextOnly {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  /** @throws KeyStoreError USAGE where the bytes so far are not text. */
  check(chunk: Uint8Array): void {
    this.#decode(() => this.#decoder.decode(chunk, { stream: true }));
  }

  /** A character that was begun must also end. */
  end(): void {
    this.#decode(() => this.#decoder.decode());
  }

  #decode(decode: () => string): void {
    let text: string | undefined;
    try {
      text = decode();
    } catch {
      // Told below.
    }
    if (text === undefined || COMMANDS.test(text))
      throw usage(
        'this is binary, and would go to the terminal',
        'redirect standard output, or give a file with -o',
      );
  }
}
