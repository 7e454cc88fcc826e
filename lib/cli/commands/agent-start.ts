/** keycask agent start: an agent in the background, or this process as one. */
import { resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import type { AgentConfiguration } from '../../agent/agent-configuration.ts';
import type { AgentFolder } from '../../agent/agent-folder.ts';
import { PROTECTION_LEVELS } from '../../contracts/protection-level.ts';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { requireNone, startInBackground, type ReadyAgent } from '../agent-process.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { examples } from '../options.ts';
import { agentFolderOf } from './agent-folder.ts';
import {
  addAgentSettings,
  argumentsOf,
  folderOption,
  settingsOf,
  socketOption,
  type AgentStartOptions,
} from './agent-options.ts';

interface StartOptions extends AgentStartOptions {
  readonly foreground?: boolean;
  readonly locked?: boolean;
}

export function addAgentStart(group: Command, invocation: Invocation): void {
  const command = group
    .command('start')
    .summary('start an agent')
    .description(
      'Start an agent in the background, as this user. What is given here is kept for the next start.',
    )
    .option('--foreground', 'stay in front, as a service does: this process is the agent')
    .option('--locked', 'ask for no passphrase: `keycask agent unlock` gives it')
    .addOption(folderOption())
    .addOption(socketOption());
  addAgentSettings(command).action(
    action<StartOptions>(invocation, async (context) => {
      if (context.options.foreground === true) await runInForeground(context);
      else await start(context);
    }),
  );
  examples(
    command,
    'keycask agent start',
    'keycask agent start --protector passphrase --idle-lock 30',
    'keycask agent start --provider pkcs11 --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --token archive',
  );
}

/** Settings are looked at, and the passphrase is asked for, where there is a terminal. Where an agent answers already nothing is changed or asked. */
async function start(context: CommandContext<StartOptions>): Promise<void> {
  const { options, output } = context;
  const socket = await socketOf(options);
  await requireNone({ socket });
  const { folder, configuration } = await settle(context);
  using passphrase = await passphraseFor(context, folder, configuration);
  const { pid, place, level } = await startInBackground({
    arguments: [...argumentsOf({ ...options, folder: folder.path, socket }), '--locked'],
    log: folder.log,
    address: { socket },
    passphrase,
    signal: context.signal,
  });
  output.result({ pid, socket, place, level, words: PROTECTION_LEVELS[level].words }, socket);
  output.note(`Private keys are ${levelWords({ place, level }, configuration)}`);
}

function levelWords(
  { place, level }: Pick<ReadyAgent, 'place' | 'level'>,
  { provider, protector }: AgentConfiguration,
): string {
  const { words } = PROTECTION_LEVELS[place];
  if (level === place) return `${words}.`;
  const worth = `${words}, which is worth no more than ${PROTECTION_LEVELS[level].words}`;
  return provider === 'software' && protector === 'machine-secret'
    ? `${worth}: under a machine secret other programs of this user open its key files. See --protector passphrase and \`keycask agent install\`.`
    : `${worth}: see \`keycask agent status\`.`;
}

async function runInForeground(context: CommandContext<StartOptions>): Promise<void> {
  const { options, output, signal } = context;
  const { describeHardening, hardenProcess } = await import('../../agent/index.ts');
  // First of all: until then other programs of this user can read what is here.
  const hardening = await hardenProcess();
  const { runAgent } = await import('../../agent/run-agent.ts');
  const { folder, configuration } = await settle(context);
  const socket = await socketOf(options);
  const passphrase = await passphraseFor(context, folder, configuration);
  await using agent = await runAgent({
    folder,
    configuration,
    socket,
    hardening,
    ...(passphrase && { passphrase }),
  });
  output.result({ socket: agent.socket, pid: process.pid }, agent.socket);
  for (const line of describeHardening(hardening)) output.note(line);
  if (!signal.aborted)
    await new Promise<void>((ended) => {
      signal.addEventListener('abort', () => ended(), { once: true });
    });
}

interface Settled {
  readonly folder: AgentFolder;
  readonly configuration: AgentConfiguration;
}

/** The settings of before with those that were given now, written where they differ. */
async function settle(context: CommandContext<StartOptions>): Promise<Settled> {
  const { DEFAULT_CONFIGURATION, readConfiguration, writeConfiguration } =
    await import('../../agent/agent-configuration.ts');
  const { numbersOf } = await import('../../agent/access-settings.ts');
  const folder = await agentFolderOf(context);
  const present = await readConfiguration(folder);
  const configuration = settingsOf(context.options, present ?? DEFAULT_CONFIGURATION);
  await numbersOf(configuration.users);
  if (present?.protector !== configuration.protector && (await hasKeys(folder)))
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `there are keys in ${folder.path} already, which lie under ${present?.protector ?? 'another protector'}`,
      { hint: 'Use another --folder, and rotate to new containers there.' },
    );
  await folder.create();
  if (JSON.stringify(present) !== JSON.stringify(configuration))
    await writeConfiguration(folder, configuration);
  return { folder, configuration };
}

async function hasKeys({ keys }: AgentFolder): Promise<boolean> {
  const { readdir } = await import('node:fs/promises');
  const entries = await readdir(keys, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.some((entry) => entry.isFile());
}

/** undefined where none is needed, or none is to be asked for: then the agent starts locked. */
async function passphraseFor(
  context: CommandContext<StartOptions>,
  folder: AgentFolder,
  configuration: AgentConfiguration,
): Promise<SecretBytes | undefined> {
  const { options } = context;
  const { needsPassphrase } = await import('../../agent/agent-configuration.ts');
  if (!needsPassphrase(configuration) || options.locked === true) return undefined;
  const isToken = configuration.provider === 'pkcs11';
  const { passphraseFile, pinFile } = options;
  const given = isToken
    ? ({ name: 'PIN', file: pinFile } as const)
    : ({ name: 'passphrase', file: passphraseFile } as const);
  // A service has nobody to ask; it waits for `unlock`.
  if (options.foreground === true && !context.isSecretGiven(given)) return undefined;
  if (isToken) return context.askPin();
  const isNew = !(await hasKeys(folder));
  const prompt = `${isNew ? 'New passphrase' : 'Passphrase'} of the agent`;
  return context.readSecret({ ...given, prompt, isNew });
}

async function socketOf({ socket }: StartOptions): Promise<string> {
  const { ownAgentSocket } = await import('../../platform/agent-socket.ts');
  const isPipe = process.platform === 'win32' && socket?.startsWith('\\\\');
  return socket === undefined ? ownAgentSocket() : isPipe ? socket : resolve(socket);
}
