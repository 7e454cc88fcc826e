/** Runs the agent of a folder: its settings, its keys, its trust, its audit log. */
import process from 'node:process';
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { numbersOf, rulesOf } from './access-settings.ts';
import type { AgentConfiguration } from './agent-configuration.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { HardeningReport } from './hardening-report.ts';
import { lockedProvider } from './locked-provider.ts';
import type { Agent, OpenAgentProvider, ProviderParts } from './options.ts';
import { startAgent } from './start-agent.ts';

export interface RunAgentOptions {
  readonly folder: AgentFolder;
  readonly configuration: AgentConfiguration;
  readonly socket: string;
  /** The agent owns it. Without it an agent that needs one starts locked. */
  readonly passphrase?: SecretBytes;
  readonly hardening?: HardeningReport;
}

/** Do the private keys open only with a passphrase, or a PIN? */
export function needsPassphrase({ provider, protector }: AgentConfiguration): boolean {
  return provider === 'pkcs11' || protector === 'passphrase';
}

/**
 * Starts the agent.
 *
 * @throws KeyStoreError PERMISSION_DENIED for a folder that is not this user's alone; what `startAgent` throws.
 */
export async function runAgent(options: RunAgentOptions): Promise<Agent> {
  const { folder, configuration, socket, passphrase, hardening } = options;
  await folder.create();
  await folder.requireOwn();
  const { idleLockMinutes, allowExport, legacyKeys } = configuration;
  const open = openerOf(folder, configuration);
  const startsLocked = passphrase === undefined && needsPassphrase(configuration);
  const own = process.geteuid?.();
  const agent = await startAgent({
    socket,
    openProvider: startsLocked ? lockedAtFirst(configuration.provider, open) : open,
    ...(passphrase && { passphrase }),
    users: [...(own === undefined ? [] : [own]), ...(await numbersOf(configuration.users))],
    access: await rulesOf(configuration),
    trustFolder: folder.trust,
    auditFile: folder.audit,
    allowExport,
    ...(legacyKeys.length > 0 && {
      legacyBlobs: { keys: legacyKeys, secretFile: folder.legacySecret },
    }),
    ...(idleLockMinutes !== undefined && { idleLockMs: idleLockMinutes * 60_000 }),
    ...(hardening && { hardening }),
  });
  if (startsLocked) await agent.lock();
  return agent;
}

function openerOf(folder: AgentFolder, configuration: AgentConfiguration): OpenAgentProvider {
  return configuration.provider === 'pkcs11'
    ? (parts) => openToken(configuration, parts)
    : (parts) => openSoftware(folder, configuration, parts);
}

async function openSoftware(
  folder: AgentFolder,
  { protector }: AgentConfiguration,
  { passphrase, rsaThreads }: ProviderParts,
) {
  const { machineSecretProtector, openSoftwareProvider, passphraseProtector } =
    await import('../providers/software/index.ts');
  const [chosen, other] =
    protector === 'passphrase'
      ? [passphraseProtector({ passphrase }), machineSecretProtector()]
      : [machineSecretProtector(), passphraseProtector({ passphrase })];
  return openSoftwareProvider({
    folder: folder.keys,
    protector: chosen,
    otherProtectors: [other],
    rsaThreads,
  });
}

/** The PIN takes the passphrase's place. */
async function openToken({ token }: AgentConfiguration, { passphrase }: ProviderParts) {
  if (!token) throw new KeyStoreError('PARAMETER_INVALID', 'pkcs11 needs a module and a token');
  const { openPkcs11Provider } = await import('../providers/pkcs11/index.ts');
  return openPkcs11Provider({ ...token, pin: passphrase });
}

/** The first call is that of the start, at which nobody has given a passphrase yet. */
function lockedAtFirst(name: string, open: OpenAgentProvider): OpenAgentProvider {
  let isFirst = true;
  return async (parts) => {
    const provider = await open(parts);
    if (!isFirst) return provider;
    isFirst = false;
    await provider.close();
    return lockedProvider(name, provider.capabilities);
  };
}
