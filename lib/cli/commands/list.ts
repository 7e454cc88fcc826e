/** keycask list: the keys of the store, and whether each is sound. */
import type { Command } from 'commander';
import type { KeyInfo } from '../../session-key-store/types.ts';
import { action, type Invocation } from '../context.ts';
import { openStoreReadOnly } from '../open-store.ts';
import { examples } from '../options.ts';
import { shortDate, type Column } from '../output.ts';

const COLUMNS: readonly Column<KeyInfo>[] = [
  { heading: 'ID', width: 32, text: ({ id }) => id },
  { heading: 'VERSION', width: 7, text: ({ version }) => String(version) },
  { heading: 'CREATED', width: 17, text: ({ created }) => shortDate(created) },
  { heading: 'STATE', width: 5, text: ({ state }) => state },
  { heading: 'LABEL', text: ({ label }) => label },
];

export function addList(program: Command, invocation: Invocation): void {
  const command = program
    .command('list')
    .summary('list the keys of the store')
    .description('List the keys of the store, each with its state. Needs no passphrase.')
    .action(
      action(invocation, async (context) => {
        await using store = await openStoreReadOnly(context);
        const count = await context.output.table(COLUMNS, store.listKeys());
        if (count === 0) context.output.note('No keys yet: make one with `keycask create LABEL`.');
      }),
    );
  examples(command, 'keycask list', 'keycask list --json');
}
