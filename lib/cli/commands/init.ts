/** keycask init: makes a home, its key container and its trust. */
import { Option, type Command } from 'commander';
import { decodeSpki } from '../../cms/spki.ts';
import { PROTECTION_LEVELS } from '../../contracts/protection-level.ts';
import type { Isolation } from '../../contracts/provider.ts';
import type {
  ContainerAlgorithm,
  ContainerInfo,
  ProtectorName,
} from '../../session-key-store/types.ts';
import { action, remembered, type Invocation } from '../context.ts';
import { homeOption } from '../open-store.ts';
import { algorithmOption, examples, isolationOption, notEmpty, PROTECTORS } from '../options.ts';
import { DPAPI_NOTE } from './container-protect.ts';
import { addStorePlaces, storePlace, type StorePlaceOptions } from './init-store.ts';

interface InitOptions extends StorePlaceOptions {
  readonly provider?: string;
  readonly providerName?: string;
  readonly agentSocket?: string;
  readonly agentUser?: string;
  readonly pkcs11Module?: string;
  readonly token?: string;
  readonly algorithm?: ContainerAlgorithm;
  readonly isolation: Isolation;
  readonly protector?: ProtectorName;
  readonly notExportable?: boolean;
}

export function addInit(program: Command, invocation: Invocation): void {
  const command = addPlaces(
    program
      .command('init')
      .summary('make a home')
      .description('Make a home: a key container to wrap and sign with, and what is trusted.'),
  )
    .addOption(algorithmOption())
    .addOption(isolationOption())
    .addOption(
      new Option(
        '--protector <name>',
        'what the private keys of software lie sealed under (default: machine-secret)',
      ).choices(PROTECTORS),
    )
    .option('--not-exportable', 'the private keys never leave this home, not even for an archive');
  addStorePlaces(command).action(
    action<InitOptions>(invocation, async (context) => {
      const { providerName, protector, isolation, algorithm, notExportable } = context.options;
      const { agentSocket, agentUser, pkcs11Module, token } = context.options;
      using passphrase = remembered(() =>
        context.readSecret({
          name: 'passphrase',
          prompt: 'New passphrase of the container',
          file: context.options.passphraseFile,
          isNew: true,
        }),
      );
      // Asked for before anything is made. Another provider has no use for it, and is refused.
      const isForSoftware = (context.options.provider ?? 'software') === 'software';
      if (protector === 'passphrase' && isForSoftware) (await passphrase.ask()).dispose();
      const { SessionKeyStore } = await import('../../session-key-store.ts');
      const { chooseProvider } = await import('../../session-key-store/choose-provider.ts');
      const asked = {
        ...homeOption(context),
        ...(context.options.provider !== undefined && { provider: context.options.provider }),
        isolation,
        ...(providerName !== undefined && { providerName }),
        ...(agentSocket !== undefined && { agentSocket }),
        ...(agentUser !== undefined && { agentUser }),
        ...(pkcs11Module !== undefined && { pkcs11Module }),
        ...(token !== undefined && { token }),
        ...(algorithm && { algorithm }),
        ...(protector && { protector }),
        exportable: notExportable !== true,
        ...(await storePlace(context.options)),
        passphrase: passphrase.ask,
        pin: context.askPin,
      };
      const provider = await chooseProvider(asked);
      await using store = await SessionKeyStore.create({ ...asked, provider });
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
      for (const note of notesOf(container, provider, seal)) context.output.note(note);
    }),
  );
  examples(
    command,
    'keycask init',
    'keycask init --algorithm rsa-3072 --protector passphrase',
    'keycask init --provider isolated',
    'keycask init --provider pkcs11 --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --token archive',
    'keycask init --provider cng --isolation prefer-vbs',
    'keycask init --store lmdb',
    'keycask init --store postgres --store-url-file /etc/keycask/database-url',
  );
}

/** Where the keys are, and what that means for copies of the home. */
function notesOf(
  container: ContainerInfo,
  provider: string,
  seal: ProtectorName | undefined,
): string[] {
  switch (provider) {
    case 'software':
      if (seal === 'machine-secret') return [MACHINE_SECRET_NOTE];
      return seal === 'dpapi' ? [DPAPI_NOTE] : [];
    case 'isolated':
      return [agentNote(container)];
    case 'pkcs11':
      return [tokenNote(container)];
    default:
      return [
        `The private keys are where Windows keeps them, in the container ${container.name}: a copy of this home opens nowhere else. For an archive see \`keycask container export\`.`,
      ];
  }
}

const MACHINE_SECRET_NOTE =
  'A copy of this home opens only on this machine: its secret lies apart. For other machines see `keycask container protect passphrase`.';

/** A token of software keeps a key from nobody: its name alone does not say so. */
function tokenNote({ name, exchange }: ContainerInfo): string {
  const posture = exchange?.posture;
  const where = `The private keys are on the token, in the container ${name}, and do not leave it: this home opens where the token is, and there is no archive of them.`;
  if (!posture || posture.level === 'token') return where;
  return `${where} This is a token of software, whose keys in use are ${PROTECTION_LEVELS[posture.level].words}.`;
}

/** What the agent is worth for these keys, which its name alone does not say. */
function agentNote({ name, exchange }: ContainerInfo): string {
  const posture = exchange?.posture;
  const where = `The private keys are in the agent, in the container ${name}: this home opens where the agent is.`;
  if (!posture) return where;
  const { words } = PROTECTION_LEVELS[posture.inMemory];
  return posture.level === posture.inMemory
    ? `${where} They are ${words}.`
    : `${where} They are ${words}, which is worth no more than ${PROTECTION_LEVELS[posture.level].words}: see \`keycask container show\`.`;
}

/** Options that say where private keys live. */
function addPlaces(command: Command): Command {
  return command
    .option(
      '--provider <name>',
      'where the private keys live: software; isolated, in an agent; pkcs11, on a token; on Windows also cryptoapi, cng (default: software; with --isolation the strongest that is here)',
    )
    .option(
      '--provider-name <name>',
      "of cryptoapi the CSP's name, of cng the key storage provider's (default: Microsoft's)",
    )
    .option(
      '--agent-socket <path>',
      "of isolated: the agent's socket (default: your agent's, or an installed one's)",
      notEmpty,
    )
    .option(
      '--agent-user <user>',
      'of isolated: the user that the agent runs as (default: you, root, or that of an installed one)',
      notEmpty,
    )
    .option('--pkcs11-module <path>', 'of pkcs11: the module that reaches the token')
    .option('--token <label>', 'of pkcs11: the label of the token');
}

/** What `init` chooses where nobody did. */
function defaultOf({ exchange }: ContainerInfo): ContainerAlgorithm {
  if (exchange?.algorithm !== 'RSA') return 'p-256';
  const key = decodeSpki(exchange.publicKey);
  return key.type === 'rsa' && key.modulusBits === 2048 ? 'rsa-2048' : 'rsa-3072';
}
