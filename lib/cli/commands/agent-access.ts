/** keycask agent access, and allow-legacy: who may do what with which keys of the agent. */
import { Argument, Option, type Command } from 'commander';
import type { AccessEntry, AgentConfiguration } from '../../agent/agent-configuration.ts';
import type { AgentRight } from '../../agent/options.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { examples, numberIn, repeated } from '../options.ts';
import type { Column } from '../output.ts';
import { openAgentFolder, type FolderOption } from './agent-folder.ts';
import { folderOption, rightsIn } from './agent-options.ts';

interface AllowOptions extends FolderOption {
  readonly key?: readonly string[];
  readonly right: readonly AgentRight[];
}

/** An entry, with the number that removes it. */
interface AccessRow extends AccessEntry {
  readonly entry: number | 'default' | 'legacy';
}

const RIGHTS: readonly AgentRight[] = [
  'list',
  'unwrap',
  'sign',
  'create',
  'change',
  'delete',
  'export',
  'legacy',
  'manage',
];
const COLUMNS: readonly Column<AccessRow>[] = [
  { heading: 'ENTRY', width: 7, text: ({ entry }) => String(entry) },
  { heading: 'USERS', width: 20, text: ({ users }) => (users === 'all' ? 'all' : users.join(',')) },
  { heading: 'KEYS', width: 16, text: ({ keys }) => keys.join(',') },
  { heading: 'RIGHTS', text: ({ rights }) => rights.join(',') },
];

export function addAgentAccess(agent: Command, invocation: Invocation): void {
  const group = agent
    .command('access')
    .summary('who may do what with which keys')
    .description(
      'Who may do what with which keys of the agent. Changes count from its next start.',
    );
  examples(group, 'keycask agent access list');
  addAccessList(group, invocation);
  addAccessAllow(group, invocation);
  addAccessRemove(group, invocation);
}

function addAccessList(group: Command, invocation: Invocation): void {
  const command = group
    .command('list')
    .description('List what users may do. Users without an entry may do nothing.')
    .addOption(folderOption())
    .action(
      action<FolderOption>(invocation, async (context) => {
        const { configuration } = await openAgentFolder(context);
        await context.output.table(COLUMNS, await rowsOf(configuration));
        const { users } = configuration;
        context.output.note(
          `May connect: the agent's own user${users.map((user) => `, ${user}`).join('')}.`,
        );
      }),
    );
  examples(command, 'keycask agent access list');
}

function addAccessAllow(group: Command, invocation: Invocation): void {
  const command = group
    .command('allow')
    .description(
      'Let users connect, and do this with these keys. The first entry ends the default for them, not for others.',
    )
    .argument('<user...>', 'names or numbers of users, or all')
    .addOption(repeated('--key <name>', 'names of keys, * for any characters (default: all keys)'))
    .addOption(
      new Option('--right <rights>', `separated by commas: ${RIGHTS.join(', ')}`)
        .argParser(rightsIn(RIGHTS))
        .default(['list', 'unwrap'], 'list,unwrap'),
    )
    .addOption(folderOption())
    .action(
      action<AllowOptions>(invocation, async (context, names: string[]) => {
        const { right: rights, key: keys = ['*'] } = context.options;
        const { numbersOf, withEntry } = await import('../../agent/access-settings.ts');
        const users = names.includes('all') ? 'all' : names;
        // A user that there is not is found now, and not when the agent does not start.
        if (users !== 'all') await numbersOf(users);
        const owner = await ownerOf(context);
        await change(context, (present) => withEntry(present, { users, keys, rights }, owner));
      }),
    );
  examples(command, "keycask agent access allow bob --key 'reports*' --right list,unwrap");
}

function addAccessRemove(group: Command, invocation: Invocation): void {
  const command = group
    .command('remove')
    .description('Remove an entry by its number.')
    .argument('<entry>', 'from `keycask agent access list`', numberIn(0, 10_000))
    .addOption(folderOption())
    .action(
      action<FolderOption>(invocation, async (context, entry: number) => {
        const { withoutEntry } = await import('../../agent/access-settings.ts');
        await change(context, (present) => withoutEntry(present, entry));
      }),
    );
  examples(command, 'keycask agent access remove 1');
}

export function addAgentAllowLegacy(agent: Command, invocation: Invocation): void {
  const command = agent
    .command('allow-legacy')
    .summary('open unsigned blobs with a key, or no longer')
    .description(
      'Open unsigned blobs (SIMPLEBLOBs of CryptExportKey) with a key, or no longer. Nothing says who made such a blob. Off unless said here.',
    )
    .argument('<key>', 'name of the key, * for any characters')
    .addArgument(new Argument('<state>', 'whether they are opened').choices(['on', 'off']))
    .addOption(folderOption())
    .action(
      action<FolderOption>(invocation, async (context, key: string, state: string) => {
        const { withLegacyKey } = await import('../../agent/access-settings.ts');
        await change(context, (present) => withLegacyKey(present, key, state === 'on'));
      }),
    );
  examples(command, 'keycask agent allow-legacy archive-2009 on');
}

async function change(
  context: CommandContext<FolderOption>,
  changed: (present: AgentConfiguration) => AgentConfiguration,
): Promise<void> {
  const { writeConfiguration } = await import('../../agent/agent-configuration.ts');
  const { folder, configuration } = await openAgentFolder(context);
  const next = changed(configuration);
  await writeConfiguration(folder, next);
  await context.output.table(COLUMNS, await rowsOf(next));
  context.output.note('Counts from the next start of the agent.');
}

async function rowsOf(configuration: AgentConfiguration): Promise<AccessRow[]> {
  const { effectiveEntries } = await import('../../agent/access-settings.ts');
  const { access, legacyKeys } = configuration;
  const rows: AccessRow[] = effectiveEntries(configuration).map((entry, index) => ({
    entry: access ? index : 'default',
    ...entry,
  }));
  if (legacyKeys.length > 0)
    rows.push({ entry: 'legacy', users: 'all', keys: legacyKeys, rights: ['legacy'] });
  return rows;
}

/** The agent's user, by name. */
async function ownerOf(context: CommandContext<FolderOption>): Promise<string> {
  const { userName } = await import('../../platform/users.ts');
  const { folder } = await openAgentFolder(context);
  return userName((await folder.owner()) ?? 0);
}
