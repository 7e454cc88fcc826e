/** keycask container protect: what a home's private keys lie sealed under. */
import { Argument, type Command } from 'commander';
import { KeyStoreError } from '../../errors.ts';
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
      action<ProtectOptions>(
        invocation,
        async (context, protector: (typeof PROTECTORS)[number]) => {
          if (protector === 'dpapi') throw noDpapi();
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
        },
      ),
    );
  examples(
    command,
    'keycask container protect passphrase',
    'keycask container protect machine-secret',
  );
}

/** The software provider of this release seals under two of the three. */
export function noDpapi(): KeyStoreError {
  return new KeyStoreError('NOT_SUPPORTED', 'the protector dpapi needs Windows', {
    hint: 'Use machine-secret or passphrase.',
  });
}
