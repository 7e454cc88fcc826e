/** The command line's entry: runs one command and turns whatever happens into an exit code. */
import process from 'node:process';
import { CommanderError } from 'commander';
import { Failures, usageError } from './errors.ts';
import { listenForInterrupts } from './interrupt.ts';
import { createProgram } from './program.ts';
import { takeEnvironmentSecrets } from './secrets.ts';
import { handleClosedPipe } from './streams.ts';

await main(process.argv);

async function main(argv: readonly string[]): Promise<void> {
  const failures = new Failures();
  // Before anything else runs: child processes and crash reports must not see them.
  const environmentSecrets = takeEnvironmentSecrets(process.env);
  const interrupts = listenForInterrupts();
  handleClosedPipe(failures);
  try {
    const program = createProgram({ failures, environmentSecrets, signal: interrupts.signal });
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) reportCommander(error, failures);
    else failures.report(error);
  } finally {
    interrupts.stop();
    for (const secret of Object.values(environmentSecrets)) secret.dispose();
  }
  process.exitCode = failures.exitCode;
}

/** Commander tells of help and of wrong usage by the same class. */
function reportCommander(error: CommanderError, failures: Failures): void {
  switch (error.code) {
    case 'commander.helpDisplayed':
    case 'commander.version':
      return;
    case 'commander.help':
      // No command was named: the help went to stderr in place of an error.
      failures.note('USAGE');
      return;
    default:
      failures.report(usageError(error));
  }
}
