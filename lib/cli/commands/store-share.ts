/** keycask store invite, keycask store accept: a store that several homes share, and one that was put back from a backup. */
import type { Command } from 'commander';
import { decodeUtf8 } from '../../bytes/octets.ts';
import { writeDurably } from '../../platform/durable-file.ts';
import { action, type Invocation } from '../context.ts';
import { confirm } from '../confirm.ts';
import { openOptions, openStoreReadOnly } from '../open-store.ts';
import { STANDARD } from '../file-plan.ts';
import { examples, forceOption, outOption, type ForceOption, type OutOption } from '../options.ts';

export function addStoreInvite(group: Command, invocation: Invocation): void {
  const command = group
    .command('invite')
    .description(
      'Write what another home needs to share the store of this one: whom it trusts, and how far its log had come.',
    )
    .addOption(outOption('file for the invitation (default: standard output)'))
    .addOption(forceOption('replace a file that is there'))
    .action(
      action<OutOption & ForceOption>(invocation, async (context) => {
        await using store = await openStoreReadOnly(context);
        const invitation = await store.invite();
        const { out, force = false } = context.options;
        if (out === undefined || out === STANDARD) {
          const text = decodeUtf8(invitation)!.trimEnd();
          context.output.result(JSON.parse(text) as object, text);
        } else {
          await writeDurably(out, invitation, { place: force ? 'replace' : 'create' });
          context.output.result({ target: out }, out);
        }
        context.output.note(
          'The other home: `keycask init --store … --join FILE`. Then every home of this store: `keycask trust add` its signing certificate.',
        );
      }),
    );
  examples(command, 'keycask store invite --out invitation.json');
}

export function addStoreAccept(group: Command, invocation: Invocation): void {
  const command = group
    .command('accept')
    .summary('take a store that was put back from a backup as it is')
    .description(
      'Take a store that was put back from a backup as it is: keys that were made or changed after it are given up. What this home trusts stays. Each home of the store has to accept for itself.',
    )
    .addOption(forceOption('do not ask'))
    .action(
      action<ForceOption>(invocation, async (context) => {
        const { force = false } = context.options;
        const { signal } = context;
        await confirm('Give up all that was changed after the backup', { force, signal });
        const { SessionKeyStore } = await import('../../session-key-store.ts');
        const { entries, entriesBefore } = await SessionKeyStore.accept(openOptions(context));
        context.output.result(
          { entries, ...(entriesBefore !== undefined && { entriesBefore }) },
          entriesBefore === undefined
            ? `nothing was given up: the log has ${entries} entries, as many as were seen`
            : `the log has ${entries} entries; it had ${entriesBefore} when it was seen last`,
        );
      }),
    );
  examples(command, 'keycask store accept');
}
