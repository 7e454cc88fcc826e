/** keycask container: looking after key containers. */
import type { Command } from 'commander';
import { PROTECTION_LEVELS, readersInWords } from '../../contracts/protection-level.ts';
import type { Isolation } from '../../contracts/provider.ts';
import type { ContainerAlgorithm, ContainerInfo } from '../../session-key-store/types.ts';
import { confirm } from '../confirm.ts';
import { action, type Invocation } from '../context.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import {
  algorithmOption,
  examples,
  forceOption,
  isolationOption,
  type ForceOption,
} from '../options.ts';
import type { Column } from '../output.ts';
import { Progress } from '../progress.ts';
import { addContainerKeyCommands } from './container-keys.ts';
import { addContainerProtect } from './container-protect.ts';

const COLUMNS: readonly Column<ContainerInfo>[] = [
  { heading: 'STATE', width: 7, text: ({ state }) => state },
  { heading: 'SCOPE', width: 7, text: ({ scope }) => scope },
  { heading: 'EXCHANGE', width: 10, text: ({ exchange }) => exchange?.algorithm ?? '-' },
  { heading: 'SIGNATURE', width: 10, text: ({ signature }) => signature?.algorithm ?? '-' },
  { heading: 'USED IN', width: 17, text: ({ usedIn }) => usedIn },
  { heading: 'NAME', text: ({ name }) => name },
];

export function addContainer(program: Command, invocation: Invocation): void {
  const group = program
    .command('container')
    .description('Key containers: an exchange key to wrap for, a signature key to sign with.');
  examples(group, 'keycask container list');
  addContainerList(group, invocation);
  addContainerCreate(group, invocation);
  addContainerShow(group, invocation);
  addContainerDelete(group, invocation);
  addContainerRotate(group, invocation);
  addContainerProtect(group, invocation);
  addContainerKeyCommands(group, invocation);
}

function addContainerList(group: Command, invocation: Invocation): void {
  const command = group
    .command('list')
    .description('List the containers that the provider has.')
    .action(
      action(invocation, async (context) => {
        await using store = await openStoreReadOnly(context);
        await context.output.table(COLUMNS, store.listContainers());
      }),
    );
  examples(command, 'keycask container list');
}

interface CreateOptions {
  readonly algorithm?: ContainerAlgorithm;
  readonly isolation: Isolation;
  readonly notExportable?: boolean;
}

function addContainerCreate(group: Command, invocation: Invocation): void {
  const command = group
    .command('create')
    .description('Make a container beside that of the home.')
    .argument('<name>', 'what it is called')
    .addOption(algorithmOption())
    .addOption(isolationOption())
    .option('--not-exportable', 'its private keys never leave the provider')
    .action(
      action<CreateOptions>(invocation, async (context, name: string) => {
        const { algorithm, isolation, notExportable } = context.options;
        await using store = await openStore(context);
        const exportable = notExportable !== true;
        const container = await store.createContainer(name, {
          ...(algorithm && { algorithm }),
          isolation,
          exportable,
        });
        context.output.result(container, container.name);
      }),
    );
  examples(command, 'keycask container create archive --algorithm rsa-3072');
}

function addContainerShow(group: Command, invocation: Invocation): void {
  const command = group
    .command('show')
    .description('Show a container: its keys, where the private halves are, and who can use them.')
    .argument('[name]', "default: the home's own")
    .action(
      action(invocation, async (context, name: string | undefined) => {
        await using store = await openStore(context);
        const container = await store.showContainer(name);
        const { exchange, signature } = container;
        const posture = exchange?.posture;
        const couldRead = posture && readersInWords(posture, posture.inMemory);
        context.output.fields(container, [
          ['name', container.name],
          ['state', container.state],
          ['scope', container.scope],
          ['exchange key', exchange && `${exchange.algorithm}  ${exchange.keyId}`],
          ['signature key', signature && `${signature.algorithm}  ${signature.keyId}`],
          ['in use', posture?.inMemory],
          ['that is', posture && PROTECTION_LEVELS[posture.inMemory].readers],
          ['on disk', posture?.onDisk],
          [
            'protection',
            posture && `${PROTECTION_LEVELS[posture.level].words} ("${posture.level}")`,
          ],
          ['memory readable by', couldRead?.inMemory],
          ['disk readable by', couldRead?.onDisk],
          ['readable by', posture?.readableBy.join(', ')],
          ['usable by', posture?.usableBy.join(', ')],
          ['exportable', posture && yesOrNo(posture.exportable)],
          ['per boot', posture && yesOrNo(posture.perBoot)],
          ['survives', posture && survivalOf(posture.survives)],
          ...(posture?.notes ?? []).map((note) => ['note', note] as const),
          ['signature key in use', signature?.posture?.inMemory],
        ]);
      }),
    );
  examples(command, 'keycask container show');
}

function addContainerDelete(group: Command, invocation: Invocation): void {
  const command = group
    .command('delete')
    .description('Delete a container and its private keys for good. The home refuses its own.')
    .argument('<name>', 'which one')
    .addOption(forceOption('do not ask'))
    .action(
      action<ForceOption>(invocation, async (context, name: string) => {
        const { options, signal, output } = context;
        await using store = await openStore(context);
        const { state } = await store.showContainer(name);
        const whose = state === 'other' ? ', which another home or another program may need,' : '';
        await confirm(`Delete container ${name}${whose} and its private keys for good`, {
          force: options.force === true,
          signal,
        });
        await store.deleteContainer(name);
        output.result({ name, deleted: true }, name);
      }),
    );
  examples(command, 'keycask container delete archive --force');
}

function addContainerRotate(group: Command, invocation: Invocation): void {
  const command = group
    .command('rotate')
    .description(
      "Replace the home's container by a new one, and re-wrap and re-sign every record. An interrupted rotation is finished by the next.",
    )
    .addOption(algorithmOption('as before'))
    .action(
      action<{ algorithm?: ContainerAlgorithm }>(invocation, async (context) => {
        const { options, signal, output } = context;
        await using store = await openStore(context);
        using progress = new Progress(context, 'keys');
        const records = await store.rotateContainer({
          signal,
          onProgress: ({ done, total, id }) => progress.update({ name: id, done, total }),
          ...(options.algorithm && { algorithm: options.algorithm }),
        });
        const { name } = await store.showContainer();
        output.result({ name, records }, name);
        output.note(`${records} records re-wrapped`);
      }),
    );
  examples(command, 'keycask container rotate');
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function survivalOf(survives: Readonly<Record<string, boolean>>): string {
  const names: Record<string, string> = {
    passwordReset: 'a password reset',
    newMachine: 'a new machine',
    tpmClear: 'a TPM clear',
    reboot: 'a reboot',
  };
  const survived = Object.keys(survives).filter((name) => survives[name]);
  return survived.map((name) => names[name] ?? name).join(', ') || 'nothing';
}
