/** Tries private keys on the blob of a session key: as BlobOpener does, then in the ways that are not CryptoAPI's. */
import { algIdName, describeAlgId } from '../../blobs/alg-id.ts';
import { BLOB_HEADER_LENGTH, BLOB_TYPE } from '../../blobs/key-blob-header.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { RsaWorkers } from '../../legacy/rsa-workers.ts';
import type { OpenedHow } from '../diagnosis.ts';
import { describeOrigin, type KeyAtHand } from '../key-at-hand.ts';
import { BlobOpener, type Attempt } from '../open-blob.ts';
import type { WrappedFacts } from './facts.ts';
import type { Trial } from './trial.ts';
import { readUnusualBlock, type UnusualBlock } from './unusual-wrapping.ts';

/** A session key that was found. Disposing of it wipes the key. */
export interface FoundSessionKey extends Disposable {
  readonly algId: number;
  readonly key: SecretBytes;
  readonly how: OpenedHow;
  /** Bytes of the blob; data may follow. */
  readonly length: number;
  /** Whether keys of its ALG_ID can have this length. */
  readonly isPlausible: boolean;
}

/**
 * Opens a blob with what is at hand.
 *
 * @param blob - SIMPLEBLOB, PLAINTEXTKEYBLOB or SYMMETRICWRAPKEYBLOB, and what follows it.
 * @returns The caller disposes of it; undefined where nothing opens it.
 */
export async function trySessionKey(
  blob: Uint8Array,
  trial: Trial,
): Promise<FoundSessionKey | undefined> {
  await using workers = new RsaWorkers(1);
  const opener = new BlobOpener(trial.keys, trial.sessionKeys, workers);
  const opened = await orUndefined(() =>
    opener.open(blob, { onAttempt: (attempt) => trial.note(attemptOf(attempt, blob)) }),
  );
  if (opened) {
    const { key, how, length } = opened;
    return {
      algId: key.algId,
      key: key.key,
      how: { ...howOf(how, blob), ...factsOfKey(key.algId, key.key) },
      length,
      isPlausible: true,
      [Symbol.dispose]: () => opened[Symbol.dispose](),
    };
  }
  return blob[0] === BLOB_TYPE.SIMPLEBLOB ? tryUnusual(blob, trial) : undefined;
}

/** What a SIMPLEBLOB says of its recipient. */
export function wrappedFacts(blob: Uint8Array): WrappedFacts {
  const algId = algIdOf(blob);
  return { algId, modulusBits: 8 * (blob.length - SIMPLE_HEADER) };
}

function tryUnusual(blob: Uint8Array, trial: Trial): FoundSessionKey | undefined {
  const algId = algIdOf(blob);
  for (const key of trial.keys) {
    const length = SIMPLE_HEADER + Math.ceil(key.modulusBits / 8);
    if (blob.length < length) continue;
    const block = readUnusualBlock(blob.subarray(SIMPLE_HEADER, length), key.privateKey, algId);
    const by = describeOrigin(key.origin);
    trial.note({ with: by, tried: UNUSUAL_WAYS, opened: block !== undefined });
    if (block) return foundUnusual(block, { key, by, algId, length });
  }
  return undefined;
}

interface UnusualFacts {
  readonly key: KeyAtHand;
  readonly by: string;
  readonly algId: number;
  readonly length: number;
}

function foundUnusual(
  block: UnusualBlock,
  { key, by, algId, length }: UnusualFacts,
): FoundSessionKey {
  const { padding, byteOrder, isPlausible } = block;
  return {
    algId,
    key: block.key,
    how: { by, ...placeOf(key), padding, byteOrder, ...factsOfKey(algId, block.key) },
    length,
    isPlausible,
    [Symbol.dispose]: () => block[Symbol.dispose](),
  };
}

function attemptOf({ key, padding, byteOrder, opened }: Attempt, blob: Uint8Array) {
  return {
    with: key ? describeOrigin(key.origin) : withoutPrivateKey(blob),
    ...(padding && { padding }),
    ...(byteOrder && { byteOrder }),
    opened,
  };
}

function howOf({ key, padding, byteOrder }: Attempt, blob: Uint8Array): OpenedHow {
  return {
    by: key ? describeOrigin(key.origin) : withoutPrivateKey(blob),
    ...(key && placeOf(key)),
    ...(padding && { padding }),
    ...(byteOrder && { byteOrder }),
  };
}

/** Everything of the key's origin but its path, which `by` has. */
function placeOf({ keyId, origin }: KeyAtHand) {
  const { path: _, ...place } = origin;
  return { keyId, ...place };
}

function withoutPrivateKey(blob: Uint8Array): string {
  return blob[0] === BLOB_TYPE.SYMMETRICWRAPKEYBLOB ? 'a session key at hand' : 'no key';
}

function factsOfKey(algId: number, key: SecretBytes): Pick<OpenedHow, 'algorithm' | 'keyLength'> {
  return { algorithm: algIdName(algId) ?? describeAlgId(algId), keyLength: key.length };
}

function algIdOf(blob: Uint8Array): number {
  const r = new BlobReader(blob, 'BLOBHEADER');
  r.bytes('bType, bVersion, reserved', 4);
  return r.u32le('aiKeyAlg');
}

/** A blob that keycask refuses is one that nothing opens; why, the rules say. */
async function orUndefined<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

const SIMPLE_HEADER = BLOB_HEADER_LENGTH + 4;
/** Three hashes of OAEP, PKCS#1 of any length, no padding; in both byte orders. */
const UNUSUAL_WAYS = 10;
