/** Options that `agent start` and `agent install` share, and what they make of the agent's settings. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { AgentConfiguration, AgentProtector } from '../../agent/agent-configuration.ts';
import { usage } from '../errors.ts';
import { notEmpty, numberIn, repeated } from '../options.ts';

export interface AgentStartOptions {
  readonly folder?: string;
  readonly socket?: string;
  readonly provider?: AgentConfiguration['provider'];
  readonly pkcs11Module?: string;
  readonly token?: string;
  readonly protector?: AgentProtector;
  readonly idleLock?: number;
  readonly allow?: readonly string[];
  readonly allowExport?: boolean;
}

const PROVIDERS = ['software', 'pkcs11'] as const;
const AGENT_PROTECTORS: readonly AgentProtector[] = ['machine-secret', 'passphrase'];

export function folderOption(): Option {
  return new Option(
    '--folder <dir>',
    "what the agent keeps (default: the platform's data folder, keycask-agent)",
  ).argParser(notEmpty);
}

export function socketOption(): Option {
  return new Option(
    '--socket <path>',
    'where it listens (else KEYCASK_AGENT_SOCKET, else a folder of this user)',
  ).argParser(notEmpty);
}

/** What is given here is kept in agent.json, and holds for the next start too. */
export function addAgentSettings(command: Command): Command {
  return command
    .addOption(
      new Option('--provider <name>', 'what holds the private keys (default: software)').choices(
        PROVIDERS,
      ),
    )
    .option('--pkcs11-module <path>', 'of pkcs11: the module that reaches the token')
    .option('--token <label>', 'of pkcs11: the label of the token')
    .addOption(
      new Option(
        '--protector <name>',
        'what the private keys of software lie sealed under (default: machine-secret)',
      ).choices(AGENT_PROTECTORS),
    )
    .addOption(
      new Option(
        '--idle-lock <minutes>',
        'lock after so long without a use; 0 never (with a passphrase or a PIN)',
      ).argParser(numberIn(0, 1440)),
    )
    .addOption(repeated('--allow <user>', 'name or number of a user that may connect'))
    .option('--allow-export', 'give private keys out where their own policy allows it');
}

/** The settings that the options ask for, over those that there are. */
export function settingsOf(
  options: AgentStartOptions,
  present: AgentConfiguration,
): AgentConfiguration {
  const { provider = present.provider, allow = [], idleLock } = options;
  const { protector, token, idleLockMinutes, ...rest } = present;
  const isSoftware = provider === 'software';
  if (isSoftware && (options.pkcs11Module !== undefined || options.token !== undefined))
    throw usage('--pkcs11-module and --token go with --provider pkcs11', 'say --provider pkcs11');
  if (!isSoftware && options.protector !== undefined)
    throw usage('a token protects its keys itself', 'leave --protector out');
  const minutes = idleLock ?? idleLockMinutes;
  if (minutes && isSoftware && (options.protector ?? protector) !== 'passphrase')
    throw usage(
      'what lies under a machine secret opens without a passphrase: to lock it keeps nobody out',
      'say --protector passphrase',
    );
  return {
    ...rest,
    provider,
    ...(isSoftware
      ? { protector: options.protector ?? protector ?? 'machine-secret' }
      : { token: tokenOf(options, token) }),
    users: [...new Set([...present.users, ...allow])],
    allowExport: options.allowExport ?? present.allowExport,
    ...(minutes ? { idleLockMinutes: minutes } : {}),
  };
}

function tokenOf(
  options: AgentStartOptions,
  present: AgentConfiguration['token'],
): NonNullable<AgentConfiguration['token']> {
  const { pkcs11Module: module = present?.module, token = present?.token } = options;
  if (module === undefined || token === undefined)
    throw usage(
      'pkcs11 needs a module and a token',
      'say --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --token LABEL',
    );
  return { module, token };
}

/** The same options as arguments: of the agent's own process, of a service. */
export function argumentsOf(options: AgentStartOptions): string[] {
  const { folder, socket, provider, pkcs11Module, token, protector } = options;
  const valued: readonly (readonly [string, string | undefined])[] = [
    ['--folder', folder],
    ['--socket', socket],
    ['--provider', provider],
    ['--pkcs11-module', pkcs11Module],
    ['--token', token],
    ['--protector', protector],
    ['--idle-lock', options.idleLock?.toString()],
    ...(options.allow ?? []).map((user) => ['--allow', user] as const),
  ];
  return [
    ...valued.flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
    ...(options.allowExport ? ['--allow-export'] : []),
  ];
}

/** Rights, separated by commas. */
export function rightsIn<Right extends string>(known: readonly Right[]): (text: string) => Right[] {
  return (text) => {
    const rights = text.split(',').map((right) => right.trim());
    const unknown = rights.find((right) => !known.includes(right as Right));
    if (unknown !== undefined)
      throw new InvalidArgumentError(`There is no right ${unknown}: want ${known.join(', ')}.`);
    return rights as Right[];
  };
}
