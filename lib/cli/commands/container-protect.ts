/** keycask container protect: what a home's private keys lie sealed under. */
import { Argument, type Command } from 'commander';
import type { ProtectorName } from '../../session-key-store/types.ts';
import { action, remembered, type Invocation } from '../context.ts';
import { openStore } from '../open-store.ts';
import { examples, PROTECTORS } from '../options.ts';

interface ProtectOptions {
  readonly newPassphraseFile?: string;
}

export function addContainerProtect(group: Command, invocation: Invocation): void {
  const command = group
    .command('protect')
    .description("Seal the home's private keys under another protector, or a new passphrase.")
    .addArgument(new Argument('<protector>', 'what they lie sealed under').choices(PROTECTORS))
    .option(
      '--new-passphrase-file <file>',
      'the new passphrase (else KEYCASK_NEW_PASSPHRASE, else a prompt); --passphrase-file is the old one',
    )
    .action(
      action<ProtectOptions>(invocation, async (context, protector: ProtectorName) => {
        await using store = await openStore(context);
        using passphrase = remembered(() =>
          context.readSecret({
            name: 'new passphrase',
            prompt: 'New passphrase of the container',
            file: context.options.newPassphraseFile,
            isNew: true,
          }),
        );
        // Asked for before anything is sealed anew.
        if (protector === 'passphrase') (await passphrase.ask()).dispose();
        await store.protectContainer(protector, passphrase.ask);
        context.output.result({ home: store.home, protector }, protector);
        if (protector === 'dpapi') context.output.note(DPAPI_NOTE);
      }),
    );
  examples(
    command,
    'keycask container protect passphrase',
    'keycask container protect machine-secret',
  );
}

/** Said when keys begin to depend on an account of Windows. */
export const DPAPI_NOTE =
  'Windows seals the private keys for this user on this machine: nothing opens them elsewhere, nor here once somebody has reset (not changed) the password. For an archive see `keycask container export`.';
