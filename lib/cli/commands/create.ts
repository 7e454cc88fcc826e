/** keycask create: makes a session key under a label. */
import type { Command } from 'commander';
import { readCertificates } from '../certificate-file.ts';
import { action, type Invocation } from '../context.ts';
import { openStore } from '../open-store.ts';
import { examples, recipientOption } from '../options.ts';

interface CreateOptions {
  readonly classic?: boolean;
  readonly recipient?: readonly string[];
}

export function addCreate(program: Command, invocation: Invocation): void {
  const command = program
    .command('create')
    .summary('make a session key under a label')
    .description('Make a session key, wrapped, signed and stored under a label. Prints its id.')
    .argument('<label>', 'what the key is for')
    .addOption(recipientOption())
    .option('--classic', 'as a SIMPLEBLOB of CryptExportKey; needs an RSA exchange key')
    .action(
      action<CreateOptions>(invocation, async (context, label: string) => {
        const recipients = await readCertificates(context.options.recipient);
        await using store = await openStore(context);
        const profile = context.options.classic === true ? 'classic' : 'envelope';
        using key = await store.createKey(label, { profile, recipients });
        context.output.result({ id: key.id, label: key.label }, key.id);
      }),
    );
  examples(command, 'keycask create reports', 'keycask create reports --recipient second.pem');
}
