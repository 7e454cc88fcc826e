/** Key containers among the files: what can be seen of them closed, and what became of opening them. */
import { lstat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { KeyStoreError } from '../../errors.ts';
import { openContainerFile } from '../../legacy/dpapi/container-file.ts';
import { openDpapiBlob } from '../../legacy/dpapi/dpapi-blob.ts';
import {
  decodeCapiContainerFile,
  type CapiContainerSlot,
} from '../../windows-files/capi-container-file.ts';
import { readStart } from '../../platform/read-start.ts';
import { decodeCapiRsaPublicKey } from '../../windows-files/capi-key.ts';
import { decodeCngContainerFile } from '../../windows-files/cng-container-file.ts';
import { decodeDpapiBlob } from '../../windows-files/dpapi-blob.ts';
import { isSid } from '../../windows-files/sid.ts';
import { MAX_KEY_FILE, type InventoryItem } from '../inventory-item.ts';
import type { Inventory } from '../inventory.ts';
import type { Profiles } from './profiles.ts';

/** A container's file. */
export interface ContainerFacts {
  readonly path: string;
  readonly kind: 'capi' | 'cng';
  readonly name: string;
  /** Bits of its RSA keys. */
  readonly exchangeBits?: number;
  readonly signatureBits?: number;
  /** By its folder. */
  readonly scope: 'user' | 'machine' | 'unknown';
  /** By its folder: the account, `S-1-5-18` for the system. */
  readonly sid?: string;
  /** `mode 0600, owner 1000`; without meaning on Windows. */
  readonly access: string;
  readonly seal: SealFacts;
}

/** What became of opening what DPAPI sealed. */
export interface SealFacts {
  /** The master key that it names. */
  readonly guid?: string;
  readonly outcome: 'opened' | 'master-key-missing' | 'password-wrong' | 'failed';
  /** Accounts whose folders have the master key. */
  readonly owners: readonly string[];
  /** Of a container: whether CRYPT_EXPORTABLE is set on every key. */
  readonly exportable?: boolean;
  /** Of a key of CNG: NCRYPT_ALLOW_EXPORT_FLAG 1, NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG 2. */
  readonly exportPolicy?: number;
}

/** Every container of an inventory, up to a number. */
export async function containersOf(
  inventory: Inventory | undefined,
  profiles: Profiles,
): Promise<ContainerFacts[]> {
  const containers: ContainerFacts[] = [];
  for (const item of inventory?.items ?? []) {
    if (!CONTAINER_FORMATS.has(item.format) || containers.length >= MAX_CONTAINERS) continue;
    const bytes = readOrNothing(item);
    const facts = bytes && (await containerFacts(bytes, item.path, profiles));
    if (facts) containers.push(facts);
  }
  return containers;
}

/** Undefined for what cannot be read as one. */
// oxlint-disable-next-line max-params -- a file, where it lies, and what may open it
export async function containerFacts(
  bytes: Uint8Array,
  path: string,
  profiles: Profiles,
): Promise<ContainerFacts | undefined> {
  try {
    const seen = bytes[0] === CNG_VERSION ? cngFacts(bytes) : capiFacts(bytes);
    const { guid, ...rest } = seen;
    const access = await accessOf(path);
    return {
      path,
      ...rest,
      ...placeOf(path),
      access,
      seal: await openedSeal(guid, profiles, () => openContainer(bytes, profiles)),
    };
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

/** What becomes of opening a DPAPI blob without entropy. */
export async function dpapiFacts(blob: Uint8Array, profiles: Profiles): Promise<SealFacts> {
  const { masterKeyGuid } = decodeDpapiBlob(blob, { trailing: 'allow' });
  return openedSeal(masterKeyGuid, profiles, async () => {
    const masterKey = await profiles.masterKey(masterKeyGuid);
    using _ = await openDpapiBlob(blob, masterKey, { trailing: 'allow' });
    return {};
  });
}

type Seen = Pick<ContainerFacts, 'kind' | 'name' | 'exchangeBits' | 'signatureBits'> & {
  readonly guid?: string;
};

function capiFacts(bytes: Uint8Array): Seen {
  const { name, exchange, signature } = decodeCapiContainerFile(bytes);
  const exchangeBits = bitsOf(exchange);
  const signatureBits = bitsOf(signature);
  const sealed = (exchange ?? signature)?.privateKey ?? new Uint8Array();
  return {
    kind: 'capi',
    name,
    ...(exchangeBits !== undefined && { exchangeBits }),
    ...(signatureBits !== undefined && { signatureBits }),
    ...guidOf(sealed),
  };
}

function cngFacts(bytes: Uint8Array): Seen {
  const { name, privateKey } = decodeCngContainerFile(bytes);
  return { kind: 'cng', name, ...guidOf(privateKey) };
}

/** Undefined for a slot that is empty, and for one of DSS. */
function bitsOf(slot: CapiContainerSlot | undefined): number | undefined {
  if (!slot || slot.publicKey.length === 0) return undefined;
  try {
    return decodeCapiRsaPublicKey(slot.publicKey).modulusBits;
  } catch {
    return undefined;
  }
}

function guidOf(blob: Uint8Array): { guid?: string } {
  return blob.length === 0 ? {} : { guid: decodeDpapiBlob(blob).masterKeyGuid };
}

type Opened = Pick<SealFacts, 'exportable' | 'exportPolicy'>;

async function openContainer(bytes: Uint8Array, profiles: Profiles): Promise<Opened> {
  using container = await openContainerFile(bytes, (guid) => profiles.masterKey(guid));
  if (container.format === 'cng') {
    const { exportPolicy } = container;
    return { ...(exportPolicy !== undefined && { exportPolicy }) };
  }
  const flags = [container.exchange?.exportable, container.signature?.exportable];
  const known = flags.filter((flag) => flag !== undefined);
  return { ...(known.length > 0 && { exportable: known.every(Boolean) }) };
}

// oxlint-disable-next-line max-params -- what is to be opened, and with what
async function openedSeal(
  guid: string | undefined,
  profiles: Profiles,
  open: () => Promise<Opened>,
): Promise<SealFacts> {
  const owners = guid === undefined ? [] : profiles.ownersOf(guid);
  const facts = { ...(guid !== undefined && { guid }), owners };
  try {
    return { ...facts, ...(await open()), outcome: 'opened' };
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    return { ...facts, outcome: OUTCOMES.get(error.code) ?? 'failed' };
  }
}

/** The folder that Windows keeps it in says whose it is. */
function placeOf(path: string): Pick<ContainerFacts, 'scope' | 'sid'> {
  const folders = path.split(/[/\\]/u).toReversed();
  const sid = folders.find((folder) => isSid(folder))?.toUpperCase();
  const parent = basename(dirname(path));
  if (/^(?:MachineKeys|SystemKeys)$/iu.test(parent)) return { scope: 'machine' };
  if (folders.some((folder) => /^(?:ProgramData|All Users)$/iu.test(folder)))
    return { scope: 'machine', ...(sid !== undefined && { sid }) };
  if (sid === undefined) return { scope: 'unknown' };
  return { scope: SERVICES.has(sid) ? 'machine' : 'user', sid };
}

async function accessOf(path: string): Promise<string> {
  try {
    const { mode, uid } = await lstat(path);
    return `mode ${(mode & 0o7777).toString(8).padStart(4, '0')}, owner ${uid}`;
  } catch {
    return 'not readable';
  }
}

function readOrNothing(item: InventoryItem): Uint8Array | undefined {
  try {
    return readStart(item.path, MAX_KEY_FILE);
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

const CNG_VERSION = 1;
const MAX_CONTAINERS = 256;
const CONTAINER_FORMATS: ReadonlySet<string> = new Set([
  'capi-container-file',
  'cng-container-file',
]);
/** Local system, local service, network service. */
const SERVICES: ReadonlySet<string> = new Set(['S-1-5-18', 'S-1-5-19', 'S-1-5-20']);
const OUTCOMES = new Map<string, SealFacts['outcome']>([
  ['KEY_NOT_FOUND', 'master-key-missing'],
  ['PASSWORD_WRONG', 'password-wrong'],
]);
