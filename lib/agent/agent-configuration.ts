/** agent.json: what an agent is started with. Whoever may write to the agent's folder decides it. */
import { decodeUtf8, encodeUtf8 } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { writeDurably } from '../platform/durable-file.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import type { AgentFolder } from './agent-folder.ts';
import { AGENT_RIGHTS, type AgentRight } from './options.ts';

export type AgentProtector = 'machine-secret' | 'passphrase';

/** A token that a PKCS#11 module has. */
interface TokenConfiguration {
  /** Path of the module: a shared library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
}

/** A rule of the access list, with users by name. */
export interface AccessEntry {
  readonly users: readonly string[] | 'all';
  /** Names of keys; `*` stands for any characters. */
  readonly keys: readonly string[];
  readonly rights: readonly AgentRight[];
}

export interface AgentConfiguration {
  readonly version: 1;
  readonly provider: 'software' | 'pkcs11';
  /** Of the software provider. */
  readonly protector?: AgentProtector;
  /** Of pkcs11. */
  readonly token?: TokenConfiguration;
  /** Users that may connect beside the agent's own. */
  readonly users: readonly string[];
  /** Without it whoever may connect may do everything but `export` and `legacy`. */
  readonly access?: readonly AccessEntry[];
  /** Names of keys whose unsigned SIMPLEBLOBs are opened. */
  readonly legacyKeys: readonly string[];
  readonly allowExport: boolean;
  readonly idleLockMinutes?: number;
}

export const DEFAULT_CONFIGURATION: AgentConfiguration = {
  version: 1,
  provider: 'software',
  protector: 'machine-secret',
  users: [],
  legacyKeys: [],
  allowExport: false,
};

/** Do the private keys open only with a passphrase, or a PIN? */
export function needsPassphrase({ provider, protector }: AgentConfiguration): boolean {
  return provider === 'pkcs11' || protector === 'passphrase';
}

/**
 * @returns undefined where the folder has none.
 * @throws KeyStoreError BLOB_MALFORMED for anything that this release does not read: a setting is not guessed.
 */
export async function readConfiguration(
  folder: AgentFolder,
): Promise<AgentConfiguration | undefined> {
  const bytes = await readSmallFile(folder.configuration, MAX_CONFIGURATION);
  if (!bytes) return undefined;
  const read = parse(decodeUtf8(bytes) ?? '');
  if (!isConfiguration(read))
    throw new KeyStoreError(
      'BLOB_MALFORMED',
      `${folder.configuration} is not an agent.json that this release reads`,
    );
  return read;
}

export async function writeConfiguration(
  folder: AgentFolder,
  configuration: AgentConfiguration,
): Promise<void> {
  if (!isConfiguration(configuration))
    throw new KeyStoreError('PARAMETER_INVALID', 'a setting of the agent is not valid');
  await writeDurably(
    folder.configuration,
    encodeUtf8(`${JSON.stringify(configuration, undefined, 2)}\n`),
    { place: 'replace', mode: 0o600 },
  );
  await folder.giveToOwner(folder.configuration);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Strict: a field that is not known may be one that a newer release protects somebody with. */
function isConfiguration(read: unknown): read is AgentConfiguration {
  if (!isRecord(read)) return false;
  if (Object.keys(read).some((name) => !Object.hasOwn(FIELDS, name))) return false;
  return Object.entries(FIELDS).every(([name, fits]) => fits(read[name]));
}

const FIELDS: Readonly<Record<keyof AgentConfiguration, (value: unknown) => boolean>> = {
  version: (value) => value === 1,
  provider: (value) => value === 'software' || value === 'pkcs11',
  protector: (value) => value === undefined || value === 'machine-secret' || value === 'passphrase',
  token: (value) =>
    value === undefined || (isRecord(value) && isText(value['module']) && isText(value['token'])),
  users: isTexts,
  access: (value) => value === undefined || (Array.isArray(value) && value.every(isAccessEntry)),
  legacyKeys: isTexts,
  allowExport: (value) => typeof value === 'boolean',
  idleLockMinutes: (value) =>
    value === undefined || (typeof value === 'number' && value > 0 && value <= MAX_IDLE_MINUTES),
};

function isAccessEntry(value: unknown): value is AccessEntry {
  if (!isRecord(value)) return false;
  const { users, keys, rights } = value;
  return (
    (users === 'all' || isTexts(users)) &&
    isTexts(keys) &&
    Array.isArray(rights) &&
    rights.every((right) => AGENT_RIGHTS.includes(right as AgentRight))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 1024;
}

/** A day. */
const MAX_IDLE_MINUTES = 1440;
/** Hundreds of rules. */
const MAX_CONFIGURATION = 1 << 20;
