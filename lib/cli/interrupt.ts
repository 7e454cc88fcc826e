/** Ctrl-C and its relatives as an AbortSignal: the first asks the work to stop, the second stops the process. */
import process from 'node:process';

/** How long work may take to put its files in order after the first signal. */
const GRACE_MS = 5000;
const EXIT_INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interrupts {
  readonly signal: AbortSignal;
  stop(): void;
}

export function listenForInterrupts(): Interrupts {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
    // What is written is written aside and renamed, so leaving at any moment loses nothing.
    setTimeout(() => process.exit(EXIT_INTERRUPTED), GRACE_MS).unref();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
