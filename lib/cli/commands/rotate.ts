/** keycask rotate: a new session key under the label of an old one. */
import type { Command } from 'commander';
import { action, type Invocation } from '../context.ts';
import { openStore } from '../open-store.ts';
import { examples } from '../options.ts';

export function addRotate(program: Command, invocation: Invocation): void {
  const command = program
    .command('rotate')
    .summary('make a new session key under the label of an old one')
    .description('Make a new session key under a label that has one. The old one still decrypts.')
    .argument('<label>', 'label of the key')
    .action(
      action(invocation, async (context, label: string) => {
        await using store = await openStore(context);
        using key = await store.rotateKey(label);
        context.output.result({ id: key.id, label: key.label }, key.id);
      }),
    );
  examples(command, 'keycask rotate reports');
}
