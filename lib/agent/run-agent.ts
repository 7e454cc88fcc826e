/** Runs the agent of a folder: its settings, its keys, its trust, its audit log. */
import process from 'node:process';
import type { Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { numbersOf, rulesOf } from './access-settings.ts';
import { needsPassphrase, type AgentConfiguration } from './agent-configuration.ts';
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

/** Without a passphrase only what is public is seen. */
type OpenParts = Pick<ProviderParts, 'rsaThreads'> & Partial<ProviderParts>;
type AgentOpener = (parts: OpenParts) => Promise<Provider>;

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
  const open: AgentOpener =
    configuration.provider === 'pkcs11'
      ? (parts) => openToken(configuration, parts)
      : (parts) => openSoftware(folder, configuration, parts);
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
    // Of a token its own posture tells.
    onDisk: configuration.protector === 'passphrase' ? 'nobody' : 'same user',
    ...(legacyKeys.length > 0 && {
      legacyBlobs: { keys: legacyKeys, secretFile: folder.legacySecret },
    }),
    ...(idleLockMinutes !== undefined && { idleLockMs: idleLockMinutes * 60_000 }),
    ...(hardening && { hardening }),
  });
  if (startsLocked) await agent.lock();
  return agent;
}

async function openSoftware(
  folder: AgentFolder,
  { protector }: AgentConfiguration,
  { passphrase, rsaThreads }: OpenParts,
) {
  const { machineSecretProtector, openSoftwareProvider, passphraseProtector } =
    await import('../providers/software/index.ts');
  const sealed = passphraseProtector({ ...(passphrase && { passphrase }) });
  const [chosen, other] =
    protector === 'passphrase'
      ? [sealed, machineSecretProtector()]
      : [machineSecretProtector(), sealed];
  return openSoftwareProvider({
    folder: folder.keys,
    protector: chosen,
    otherProtectors: [other],
    rsaThreads,
  });
}

/** The PIN takes the passphrase's place. */
async function openToken({ token }: AgentConfiguration, { passphrase: pin }: OpenParts) {
  if (!token) throw new KeyStoreError('PARAMETER_INVALID', 'pkcs11 needs a module and a token');
  const { openPkcs11Provider } = await import('../providers/pkcs11/index.ts');
  return openPkcs11Provider({ ...token, ...(pin && { pin }) });
}

/** The first call is that of the start, at which nobody has given a passphrase yet. */
function lockedAtFirst(name: string, open: AgentOpener): OpenAgentProvider {
  let isFirst = true;
  return async (parts) => {
    if (!isFirst) return open(parts);
    isFirst = false;
    const provider = await open({ rsaThreads: parts.rsaThreads });
    await provider.close();
    return lockedProvider(name, provider.capabilities);
  };
}
