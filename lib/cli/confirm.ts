/** Asking before something is gone for good. */
import { decodeUtf8 } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { usage } from './errors.ts';
import { Terminal } from './terminal.ts';

export interface ConfirmOptions {
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * Goes on only where the person says yes, or said --force.
 *
 * @param question - What will be done: `Remove key reports`.
 * @throws KeyStoreError CANCELLED for any other answer; USAGE where there is nobody to ask.
 */
export async function confirm(question: string, options: ConfirmOptions): Promise<void> {
  if (options.force) return;
  using terminal = Terminal.open();
  if (!terminal)
    throw usage('this cannot be undone, and there is nobody to ask', 'say --force if you are sure');
  const { signal } = options;
  using answer = await terminal.readLine({ prompt: `${question}? [y/N] `, echo: true, signal });
  const text = decodeUtf8(answer.bytes)?.trim().toLowerCase();
  if (text !== 'y' && text !== 'yes') throw new KeyStoreError('CANCELLED', 'not confirmed');
}
