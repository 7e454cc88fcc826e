/** keycask create: makes a session key under a label. */
import type { Command } from 'commander';
import { action, type Invocation } from '../context.ts';
import { openStore } from '../open-store.ts';
import { examples } from '../options.ts';

interface CreateOptions {
  readonly classic?: boolean;
}

export function addCreate(program: Command, invocation: Invocation): void {
  const command = program
    .command('create')
    .summary('make a session key under a label')
    .description('Make a session key, wrapped, signed and stored under a label. Prints its id.')
    .argument('<label>', 'what the key is for')
    .option('--classic', 'as a SIMPLEBLOB of CryptExportKey; needs an RSA exchange key')
    .action(
      action<CreateOptions>(invocation, async (context, label: string) => {
        await using store = await openStore(context);
        const profile = context.options.classic === true ? 'classic' : 'envelope';
        using key = await store.createKey(label, { profile });
        context.output.result({ id: key.id, label: key.label }, key.id);
      }),
    );
  examples(command, 'keycask create reports');
}
