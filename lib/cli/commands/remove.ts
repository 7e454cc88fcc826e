/** keycask remove: deletes a key record. */
import type { Command } from 'commander';
import { confirm } from '../confirm.ts';
import { action, type Invocation } from '../context.ts';
import { openStore } from '../open-store.ts';
import { examples, forceOption, type ForceOption } from '../options.ts';

export function addRemove(program: Command, invocation: Invocation): void {
  const command = program
    .command('remove')
    .summary('delete a key for good')
    .description('Delete a key for good. What only it decrypts is lost with it.')
    .argument('<id>', 'id, unique prefix of one, or label')
    .addOption(forceOption('do not ask'))
    .action(
      action<ForceOption>(invocation, async (context, query: string) => {
        const { options, signal, output } = context;
        await using store = await openStore(context);
        const id = await store.resolve(query);
        const name = id === query ? id : `${query} (${id})`;
        await confirm(`Remove key ${name} for good`, { force: options.force === true, signal });
        await store.removeKey(id);
        output.result({ id, removed: true }, id);
      }),
    );
  examples(command, 'keycask remove 5f3a --force');
}
