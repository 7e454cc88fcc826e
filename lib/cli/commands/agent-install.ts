/** keycask agent install: the files that make an agent a service, and the commands that start it. */
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import type { InstalledFile, ServiceFiles } from '../../agent/service-files.ts';
import { KeyStoreError } from '../../errors.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import {
  examples,
  forceOption,
  notEmpty,
  outOption,
  type ForceOption,
  type OutOption,
} from '../options.ts';
import { selfCommand } from '../self-command.ts';
import {
  addAgentSettings,
  argumentsOf,
  settingsOf,
  type AgentStartOptions,
} from './agent-options.ts';

interface InstallOptions extends AgentStartOptions, ForceOption, OutOption {
  readonly user: string;
  readonly sameUser?: boolean;
  readonly dryRun?: boolean;
}

export function addAgentInstall(group: Command, invocation: Invocation): void {
  const command = group
    .command('install')
    .summary('make the agent a service, with a user of its own')
    .description(
      'Write a hardened systemd unit for an agent with a user of its own, and print how to start it with systemd and without. Not as root, it is a service of this user.',
    )
    .option('--user <name>', "the agent's user, made when it is started", 'keycask-agent')
    .option('--same-user', 'no user of its own: the agent runs as you')
    .option('--dry-run', 'print the files, write nothing')
    .option('--folder <dir>', 'what the agent keeps (default: /var/lib/keycask-agent)', notEmpty)
    .option('--socket <path>', 'where it listens (default: /run/keycask/agent.sock)', notEmpty)
    .addOption(outOption('write below this folder instead of /'))
    .addOption(forceOption('replace files that are there'));
  addAgentSettings(command).action(
    action<InstallOptions>(invocation, async (context) => {
      const { options, output } = context;
      const isOwn = options.sameUser !== true && isRootOrElsewhere(options);
      const files = isOwn ? await systemFiles(options) : await userFiles(options);
      const place = placeOf(options);
      if (options.dryRun !== true)
        await writeAll(files.files, { place, force: options.force === true });
      print(context, files, { isOwn, place });
      await tellUnknownUsers(context);
      if (isOwn && isHidden(selfCommand([], []))) output.note(IN_HOME);
      if (!isOwn)
        output.note(
          options.sameUser === true
            ? SAME_USER
            : `This is not root, so the agent gets no user of its own. ${SAME_USER}`,
        );
    }),
  );
  examples(
    command,
    'keycask agent install --dry-run --allow ann',
    'sudo keycask agent install --allow ann --allow bob --protector passphrase --idle-lock 30',
  );
}

const IN_HOME =
  "The program lies in somebody's home: the agent's user has to be able to read it there, and whoever can write there has the agent's keys. Install Node and keycask below /usr or /opt.";
const SAME_USER =
  'An agent of the same user keeps keys from other programs only under a passphrase (--protector passphrase): under a machine secret they open its key files themselves.';

/** Files below another folder, or none at all, anybody may make. */
function isRootOrElsewhere({ dryRun, out }: InstallOptions): boolean {
  return dryRun === true || out !== undefined || process.getuid?.() === 0;
}

async function systemFiles(options: InstallOptions): Promise<ServiceFiles> {
  const { systemServiceFiles } = await import('../../agent/service-files.ts');
  const { SYSTEM_FOLDERS } = await import('../../agent/service-unit.ts');
  const { SYSTEM_AGENT } = await import('../../platform/agent-socket.ts');
  const folder = resolve(options.folder ?? SYSTEM_FOLDERS.agent);
  const socket = resolve(options.socket ?? SYSTEM_AGENT.socket);
  const folders = { agent: folder, secret: `${folder}-secret`, runtime: dirname(socket) };
  await requireStartable({ ...options, folder, socket });
  const command = await commandOf({ ...options, folder, socket });
  const { user } = options;
  if (!/^[a-z_][a-z0-9_-]{0,30}$/u.test(user))
    throw new KeyStoreError('PARAMETER_INVALID', `${JSON.stringify(user)} is no name for a user`);
  return systemServiceFiles({
    command,
    user,
    environment: { XDG_STATE_HOME: folders.secret, ...tokenEnvironment(options) },
    hasToken: options.provider === 'pkcs11',
    isInHome: isHidden(command),
    folders,
  });
}

async function userFiles(options: InstallOptions): Promise<ServiceFiles> {
  const { userServiceFiles } = await import('../../agent/service-files.ts');
  await requireStartable(options);
  const command = await commandOf(options);
  const given = process.env['XDG_CONFIG_HOME'];
  const folder = given && isAbsolute(given) ? given : join(homedir(), '.config');
  const hasToken = options.provider === 'pkcs11';
  const environment = tokenEnvironment(options);
  return userServiceFiles({ command, environment, hasToken, isInHome: true }, folder);
}

/** A service that ends as soon as it starts is noticed later, by somebody else: what `agent start` refuses is refused here. */
async function requireStartable(options: InstallOptions): Promise<void> {
  const { AgentFolder } = await import('../../agent/agent-folder.ts');
  const { DEFAULT_CONFIGURATION, readConfiguration } =
    await import('../../agent/agent-configuration.ts');
  const { defaultAgentFolder } = await import('../../platform/folders.ts');
  const { requireSocketPath } = await import('../../platform/socket-path.ts');
  const folder = new AgentFolder(resolve(options.folder ?? defaultAgentFolder()));
  // Of another machine nothing is known; and root may be the only one who can look.
  const isHere = options.out === undefined;
  const present = isHere ? await readConfiguration(folder).catch(() => undefined) : undefined;
  settingsOf(options, present ?? DEFAULT_CONFIGURATION);
  if (options.socket !== undefined) requireSocketPath(resolve(options.socket));
}

/** On another machine they may be there. */
async function tellUnknownUsers({
  options,
  output,
}: CommandContext<InstallOptions>): Promise<void> {
  const { userNumber } = await import('../../platform/users.ts');
  for (const user of options.allow ?? [])
    await userNumber(user).catch(() =>
      output.note(
        `There is no user ${JSON.stringify(user)} here: until there is one, the agent does not start.`,
      ),
    );
}

async function commandOf(options: InstallOptions): Promise<string[]> {
  const { SECURE_HEAP_ARGUMENTS } = await import('../../agent/harden.ts');
  const folder = options.folder === undefined ? undefined : resolve(options.folder);
  const settings = argumentsOf({ ...options, ...(folder && { folder }) });
  return selfCommand(SECURE_HEAP_ARGUMENTS, ['agent', 'start', '--foreground', ...settings]);
}

/** A module finds its token by these. */
function tokenEnvironment({ provider }: AgentStartOptions): Record<string, string> {
  if (provider !== 'pkcs11') return {};
  const named = Object.entries(process.env).filter(([name]) => OF_TOKENS.test(name));
  return Object.fromEntries(named) as Record<string, string>;
}

const OF_TOKENS = /^(SOFTHSM2_CONF|TPM2_PKCS11_[A-Z0-9_]+)$/u;

/** Would ProtectHome hide the program from the agent? */
function isHidden(command: readonly string[]): boolean {
  return command.some((part) => /^\/(home|root|run\/user)\//u.test(part));
}

/** Below which folder the files go; undefined for /. */
function placeOf({ out }: InstallOptions): string | undefined {
  return out === undefined ? undefined : resolve(out);
}

async function writeAll(
  files: readonly InstalledFile[],
  { place, force }: { readonly place: string | undefined; readonly force: boolean },
): Promise<void> {
  const { writeDurably } = await import('../../platform/durable-file.ts');
  const { withFsErrors } = await import('../../platform/fs-error.ts');
  const { makeFolder } = await import('../../platform/make-folder.ts');
  for (const { path, content } of files) {
    const target = place === undefined ? path : join(place, path);
    await withFsErrors(target, () => makeFolder(dirname(target)));
    await writeDurably(target, new TextEncoder().encode(content), {
      place: force ? 'replace' : 'create',
      mode: 0o644,
    });
  }
}

function print(
  { options, output }: CommandContext<InstallOptions>,
  { files, withSystemd, withoutSystemd }: ServiceFiles,
  { isOwn, place }: { readonly isOwn: boolean; readonly place: string | undefined },
): void {
  const dryRun = options.dryRun === true;
  if (output.json) {
    const user = isOwn ? options.user : undefined;
    return output.result(
      { ...(user && { user }), sameUser: !isOwn, dryRun, files, withSystemd, withoutSystemd },
      '',
    );
  }
  for (const { path, content } of files) {
    const target = place === undefined ? path : join(place, path);
    if (dryRun) output.text({}, `# ${path}\n${content}\n`);
    else output.result({}, target);
  }
  const say = (line: string): void =>
    dryRun ? output.result({}, line === '' ? '' : `# ${line}`) : output.note(line);
  say('With systemd:');
  for (const line of withSystemd) say(`  ${line}`);
  say('Without systemd, as root where it has a user of its own:');
  for (const line of withoutSystemd) say(`  ${line}`);
}
