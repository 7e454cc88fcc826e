/** diagnose: what old key material is, what opens it, or why nothing does and what to do. The causes are tables in diagnose/. */
import { userInfo } from 'node:os';
import { BLOB_TYPE } from '../blobs/key-blob-header.ts';
import { BlobReader } from '../bytes/blob-reader.ts';
import { KeyStoreError } from '../errors.ts';
import { containersOf, dpapiFacts, containerFacts, type SealFacts } from './diagnose/containers.ts';
import type { Facts } from './diagnose/facts.ts';
import { Profiles } from './diagnose/profiles.ts';
import { applyRules } from './diagnose/rule.ts';
import { RULES } from './diagnose/rules.ts';
import { readSymptom } from './diagnose/symptom.ts';
import { Trial } from './diagnose/trial.ts';
import { tryData, type DataAtHand, type DataTrial } from './diagnose/try-data.ts';
import { tryPasswordsOnData, type FoundPassword } from './diagnose/try-passwords.ts';
import { tryPrivateKey } from './diagnose/try-private-key.ts';
import { trySessionKey, wrappedFacts, type FoundSessionKey } from './diagnose/try-session-key.ts';
import type { Diagnosis, OpenedHow } from './diagnosis.ts';
import type { Inventory } from './inventory.ts';
import type { KeysAtHand } from './keys-at-hand.ts';
import type { LegacySecrets } from './legacy-secrets.ts';
import { recognise, type Recognised } from './recognise.ts';
import type { CipherSample } from './search-cipher.ts';

/** What is to be diagnosed: a file, an error message, or both. */
export interface DiagnoseInput {
  /** The file, or its beginning. Read, not kept. */
  readonly bytes?: Uint8Array;
  /** Its name; with the folders it lies in, where these say whose it is. */
  readonly path?: string;
  /** Bytes of the whole file, where only its beginning is given. */
  readonly size?: number;
  /** What Windows, .NET, Node or OpenSSL said: a message, `NTE_BAD_KEY_STATE`, `0x8009000B`, `-2146893813`. */
  readonly symptom?: string;
}

/** What may help. Nothing of it is kept; the caller still owns it all. */
export interface DiagnoseOptions {
  /** The files and folders around: containers, master keys. */
  readonly inventory?: Inventory;
  /** The private keys and session keys in them. */
  readonly keys?: KeysAtHand;
  /** Passwords are tried as those of accounts and of key files, and as what a session key was derived from. */
  readonly secrets?: LegacySecrets;
  /** Ciphertext that the session key should decrypt; default: what follows the key blob in its file. */
  readonly data?: CipherSample;
  /** How the plaintext of the data begins. */
  readonly knownPlaintext?: Uint8Array;
  /** KP_IV of the data; default zeros. */
  readonly iv?: Uint8Array;
}

/**
 * Finds out what old key material is, which key, padding, byte order, salt, effective length, mode and password encoding open it, or why
 * none can and what to do.
 *
 * For data at rest: it tells more of a blob under a key than who guards that key would tell a stranger. Nothing is written.
 *
 * @returns JSON-safe and without a secret.
 * @throws KeyStoreError PARAMETER_INVALID for an IV of another length than the cipher's block. Bytes of any kind are an answer, not an error.
 * @example
 * ```ts
 * const found = await inventory(['/mnt/old']);
 * using keys = await KeysAtHand.find(found, secrets);
 * const { outcome, opened, findings } = await diagnose({ bytes, path: 'session.key' }, { inventory: found, keys, secrets });
 * for (const { cause, hint } of findings) console.log(cause, hint);
 * ```
 */
export async function diagnose(
  input: DiagnoseInput,
  options: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const { keys, secrets = {}, inventory } = options;
  const trial = new Trial({
    keys: keys?.privateKeys ?? [],
    sessionKeys: keys?.sessionKeys ?? [],
    passwords: secrets.passwords ?? [],
  });
  using profiles = await Profiles.open(inventory, secrets);
  const bytes = input.bytes ?? new Uint8Array();
  const recognised = recognisedOf(input);
  const file = { bytes, recognised, path: input.path, unread: unreadOf(input) };
  const found = await tryFile(file, options, { trial, profiles });
  const facts: Facts = {
    recognised,
    bytes,
    path: input.path,
    symptom: readSymptom(input.symptom),
    keys: trial.keys,
    closed: keys?.closed ?? [],
    unreadable: unreadableOf(inventory),
    containers: await containersOf(inventory, profiles),
    hasCredHist: inventory?.items.some(({ format }) => format === 'credhist') ?? false,
    seal: found.seal,
    opened: found.opened,
    wrapped: found.wrapped,
    data: found.data?.facts,
    dataSize: options.data?.size,
    derived: found.derived,
    passwords: trial.passwords.length,
    attempts: trial.attempts,
    trouble: trial.trouble,
    whoami: whoami(),
  };
  const { format, what, summary, state } = recognised;
  return {
    format,
    what,
    summary,
    state,
    outcome: outcomeOf(facts),
    ...(found.opened && { opened: found.opened }),
    findings: applyRules(RULES, facts),
    attempts: trial.attempts,
  };
}

function recognisedOf({ bytes, path, size }: DiagnoseInput): Recognised {
  if (!bytes) return NOTHING;
  const name = path?.split(/[/\\]/u).at(-1);
  return recognise({ bytes, size: Math.max(size ?? 0, bytes.length), name });
}

/** What became of the file. */
interface Found {
  readonly opened?: OpenedHow;
  readonly wrapped?: Facts['wrapped'];
  readonly data?: DataTrial;
  readonly derived?: Facts['derived'];
  readonly seal?: SealFacts;
}

interface File extends Pick<Facts, 'bytes' | 'recognised' | 'path'> {
  /** How many bytes follow those that were given. */
  readonly unread: number;
}

interface Tools {
  readonly trial: Trial;
  readonly profiles: Profiles;
}

async function tryFile(
  file: File,
  options: DiagnoseOptions,
  { trial, profiles }: Tools,
): Promise<Found> {
  const { bytes, recognised, path = '' } = file;
  if (recognised.state === 'damaged') return {};
  switch (KINDS.get(recognised.format) ?? 'other') {
    case 'session-key':
      return trySessionKeyFile(file, options, trial);
    case 'private-key': {
      const found = await tryPrivateKey(bytes, recognised, trial);
      return found ? { opened: found.how, ...(found.derived && { derived: found.derived }) } : {};
    }
    case 'container': {
      const container = await containerFacts(bytes, path, profiles);
      return container ? sealed(container.seal) : {};
    }
    case 'dpapi':
      return sealed(await dpapiFacts(bytes, profiles));
    case 'data':
      return tryDataFile(sampleOf(bytes, file.unread) ?? options.data, options, trial);
    case 'other':
      return {};
  }
}

function sealed(seal: SealFacts): Found {
  return { seal, ...(seal.outcome === 'opened' && { opened: { by: `master key ${seal.guid}` } }) };
}

async function trySessionKeyFile(
  { bytes, recognised, unread }: File,
  options: DiagnoseOptions,
  trial: Trial,
): Promise<Found> {
  const isPrefixed = recognised.format === 'length-prefixed-simpleblob';
  const end = isPrefixed ? LENGTH_OF_LENGTH + lengthAt(bytes) : bytes.length;
  const blob = bytes.subarray(isPrefixed ? LENGTH_OF_LENGTH : 0, end);
  const wrapped = blob[0] === BLOB_TYPE.SIMPLEBLOB ? { wrapped: wrappedFacts(blob) } : {};
  const found = await trySessionKey(blob, trial);
  if (!found) return wrapped;
  using key = found;
  const behind = isPrefixed ? bytes.subarray(end) : blob.subarray(key.length);
  if (!key.isPlausible)
    return {
      ...(wrapped.wrapped && { wrapped: { ...wrapped.wrapped, oddLength: key.key.length } }),
      opened: key.how,
    };
  const sample = options.data ?? sampleOf(behind, unread);
  const data =
    sample &&
    (await tryKeyOnData(key, { ...ivOf(options), sample: withKnown(sample, options) }, trial));
  const isRight = data !== undefined && data.facts.finding.certainty !== 'none';
  // What follows a blob may be the rest of a buffer.
  const counts = isRight || isPrefixed || options.data !== undefined;
  return {
    ...wrapped,
    opened: { ...key.how, ...(isRight && data.how) },
    ...(data && counts && { data }),
  };
}

function tryKeyOnData(
  { algId, key, how }: FoundSessionKey,
  data: DataAtHand,
  trial: Trial,
): Promise<DataTrial | undefined> {
  return tryData({ algId, key }, data, trial, how.by);
}

/** A file that is nothing but ciphertext: session keys in the clear, then keys of passwords. */
async function tryDataFile(
  sample: CipherSample | undefined,
  options: DiagnoseOptions,
  trial: Trial,
): Promise<Found> {
  if (!sample) return {};
  const data = { ...ivOf(options), sample: withKnown(sample, options) };
  const by = 'a session key at hand';
  for (const key of trial.sessionKeys) {
    const tried = await tryData(key, data, trial, by);
    if (tried && isShown(tried)) return { opened: { by, ...tried.how }, data: tried };
  }
  const found = await tryPasswordsOnData(data, trial);
  return found ? fromPassword(found) : {};
}

function fromPassword({ how, derived, data }: FoundPassword): Found {
  return { opened: how, derived, ...(data && { data }) };
}

function isShown({ facts }: DataTrial): boolean {
  const { certainty } = facts.finding;
  return certainty === 'known-plaintext' || certainty === 'recognised-content';
}

function ivOf({ iv }: DiagnoseOptions) {
  return iv === undefined ? {} : { iv };
}

function withKnown(sample: CipherSample, { knownPlaintext }: DiagnoseOptions): CipherSample {
  return knownPlaintext === undefined ? sample : { ...sample, knownPlaintext };
}

/** Undefined for no bytes. What was not read leaves the end unknown. */
function sampleOf(bytes: Uint8Array, unread: number): CipherSample | undefined {
  if (bytes.length === 0) return undefined;
  const tail = unread > 0 ? new Uint8Array() : bytes;
  return { head: bytes, tail, size: bytes.length + unread };
}

function unreadOf({ bytes, size = 0 }: DiagnoseInput): number {
  return Math.max(0, size - (bytes?.length ?? 0));
}

function lengthAt(bytes: Uint8Array): number {
  return new BlobReader(bytes, 'length-prefixed SIMPLEBLOB').u32le('dwKeyBlobLen');
}

function outcomeOf({ recognised, opened, data, dataSize, trouble }: Facts): Diagnosis['outcome'] {
  if (recognised.state === 'damaged') return 'damaged';
  // Data that was given and could not be tried stays closed too.
  const isDataClosed = data
    ? data.finding.certainty === 'none'
    : dataSize !== undefined && trouble.length > 0;
  if (opened) return isDataClosed ? 'closed' : 'opened';
  return KINDS.has(recognised.format) ? 'closed' : 'nothing-to-open';
}

function unreadableOf(inventory: Inventory | undefined): string[] {
  const skipped = inventory?.skipped ?? [];
  return skipped.filter(({ reason }) => reason === 'unreadable').map(({ path }) => path);
}

function whoami(): string {
  try {
    const { username, uid } = userInfo();
    return uid < 0 ? username : `${username}, ${uid}`;
  } catch (error) {
    // An account without a name, as in some containers.
    if (KeyStoreError.is(error)) throw error;
    return 'an account without a name';
  }
}

const NOTHING: Recognised = {
  format: 'none',
  what: 'no file',
  summary: 'No file was given.',
  state: 'unknown',
  notes: [],
};
const LENGTH_OF_LENGTH = 4;

type Kind = 'session-key' | 'private-key' | 'container' | 'dpapi' | 'data' | 'other';

/** Formats that are closed until something opens them. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['simpleblob', 'session-key'],
  ['plaintextkeyblob', 'session-key'],
  ['symmetricwrapkeyblob', 'session-key'],
  ['length-prefixed-simpleblob', 'session-key'],
  ['privatekeyblob', 'private-key'],
  ['pvk', 'private-key'],
  ['pkcs1-private', 'private-key'],
  ['pkcs8', 'private-key'],
  ['rsaprivateblob', 'private-key'],
  ['rsafullprivateblob', 'private-key'],
  ['capi-container-file', 'container'],
  ['cng-container-file', 'container'],
  ['roamed-cng-key', 'container'],
  ['dpapi-blob', 'dpapi'],
  ['encrypted-pkcs8', 'other'],
  ['pkcs12', 'other'],
  ['pcp-key-file', 'other'],
  ['opaquekeyblob', 'other'],
  ['unknown', 'data'],
]);
