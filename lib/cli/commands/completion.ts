/** keycask completion: a script for the shell, made from the commands as they are. */
import { Argument, type Command } from 'commander';
import { bashCompletion, fishCompletion, zshCompletion } from '../completion-scripts.ts';
import { action, type Invocation } from '../context.ts';
import { examples } from '../options.ts';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function addCompletion(program: Command, invocation: Invocation): void {
  const command = program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Print a completion script for a shell.')
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .action(
      action(invocation, async (context, shell: (typeof SHELLS)[number]) => {
        const script = SCRIPTS[shell](program);
        context.output.text({ shell, script }, script);
      }),
    );
  examples(
    command,
    'keycask completion bash > ~/.local/share/bash-completion/completions/keycask',
    'keycask completion zsh > ~/.zfunc/_keycask',
    'keycask completion fish > ~/.config/fish/completions/keycask.fish',
  );
}
