/** keycask init: makes a home, its key container and its trust. */
import { Option, type Command } from 'commander';
import type { Isolation } from '../../contracts/provider.ts';
import type {
  ContainerAlgorithm,
  ContainerInfo,
  ProtectorName,
} from '../../session-key-store/types.ts';
import { action, remembered, type Invocation } from '../context.ts';
import { homeOption } from '../open-store.ts';
import { algorithmOption, examples, isolationOption, PROTECTORS } from '../options.ts';
import { DPAPI_NOTE } from './container-protect.ts';

interface InitOptions {
  readonly provider: string;
  readonly providerName?: string;
  readonly algorithm?: ContainerAlgorithm;
  readonly isolation: Isolation;
  readonly protector?: ProtectorName;
  readonly notExportable?: boolean;
}

export function addInit(program: Command, invocation: Invocation): void {
  const command = program
    .command('init')
    .summary('make a home')
    .description('Make a home: a key container to wrap and sign with, and what is trusted.')
    .option(
      '--provider <name>',
      'where the private keys live: software; on Windows also cryptoapi, cng',
      'software',
    )
    .option(
      '--provider-name <name>',
      "of cryptoapi the CSP's name, of cng the key storage provider's (default: Microsoft's)",
    )
    .addOption(algorithmOption())
    .addOption(isolationOption())
    .addOption(
      new Option(
        '--protector <name>',
        'what the private keys of software lie sealed under (default: machine-secret)',
      ).choices(PROTECTORS),
    )
    .option('--not-exportable', 'the private keys never leave this home, not even for an archive')
    .action(
      action<InitOptions>(invocation, async (context) => {
        const { provider, providerName, protector, isolation, algorithm, notExportable } =
          context.options;
        using passphrase = remembered(() =>
          context.readSecret({
            name: 'passphrase',
            prompt: 'New passphrase of the container',
            file: context.options.passphraseFile,
            isNew: true,
          }),
        );
        // Asked for before anything is made.
        if (protector === 'passphrase') (await passphrase.ask()).dispose();
        const { SessionKeyStore } = await import('../../session-key-store.ts');
        await using store = await SessionKeyStore.create({
          ...homeOption(context),
          provider,
          isolation,
          ...(providerName !== undefined && { providerName }),
          ...(algorithm && { algorithm }),
          ...(protector && { protector }),
          exportable: notExportable !== true,
          passphrase: passphrase.ask,
        });
        const container = await store.showContainer();
        const seal = provider === 'software' ? (protector ?? 'machine-secret') : undefined;
        const { home, storeId } = store;
        context.output.result(
          {
            home,
            storeId,
            container: container.name,
            provider,
            algorithm: algorithm ?? defaultOf(container),
            ...(seal && { protector: seal }),
          },
          `${home}`,
        );
        if (seal === 'machine-secret')
          context.output.note(
            'A copy of this home opens only on this machine: its secret lies apart. For other machines see `keycask container protect passphrase`.',
          );
        if (seal === 'dpapi') context.output.note(DPAPI_NOTE);
        if (provider !== 'software')
          context.output.note(
            `The private keys are where Windows keeps them, in the container ${container.name}: a copy of this home opens nowhere else. For an archive see \`keycask container export\`.`,
          );
      }),
    );
  examples(
    command,
    'keycask init',
    'keycask init --algorithm rsa-3072 --protector passphrase',
    'keycask init --provider cng --isolation prefer-vbs',
  );
}

/** What `init` chooses where nobody did. */
function defaultOf({ exchange }: ContainerInfo): ContainerAlgorithm {
  return exchange?.algorithm === 'RSA' ? 'rsa-3072' : 'p-256';
}
