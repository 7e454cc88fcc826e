/** Tries everything that is at hand on one file, by what it is. */
import { BLOB_TYPE } from '../../blobs/key-blob-header.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import type { OpenedHow } from '../diagnosis.ts';
import type { CipherSample } from '../search-cipher.ts';
import { containerFacts, dpapiFacts, type SealFacts } from './containers.ts';
import type { Facts } from './facts.ts';
import type { DiagnoseOptions } from './options.ts';
import type { Profiles } from './profiles.ts';
import type { Trial } from './trial.ts';
import { takesIv, tryData, type DataAtHand, type DataTrial } from './try-data.ts';
import { tryPasswordsOnData, type FoundPassword } from './try-passwords.ts';
import { tryPrivateKey } from './try-private-key.ts';
import { trySessionKey, wrappedFacts, type FoundSessionKey } from './try-session-key.ts';

/** What became of the file. */
export interface Found {
  readonly opened?: OpenedHow;
  readonly wrapped?: Facts['wrapped'];
  readonly data?: DataTrial;
  readonly derived?: Facts['derived'];
  readonly seal?: SealFacts;
}

/** The file. */
export interface File extends Pick<Facts, 'bytes' | 'recognised' | 'path'> {
  /** How many bytes follow those that were given. */
  readonly unread: number;
}

/** What it is tried with. */
export interface Tools {
  readonly trial: Trial;
  readonly profiles: Profiles;
}

/** Nothing of the answer where nothing opens it. */
export async function tryFile(
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
  for (const key of trial.sessionKeys.filter(({ algId }) => takesIv(algId, data))) {
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

function lengthAt(bytes: Uint8Array): number {
  return new BlobReader(bytes, 'length-prefixed SIMPLEBLOB').u32le('dwKeyBlobLen');
}

/** Whether files of a format are closed until something opens them. */
export function isClosedFormat(format: string): boolean {
  return KINDS.has(format);
}

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
