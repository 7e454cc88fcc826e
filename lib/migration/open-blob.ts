/**
 * BlobOpener: opens key blobs with whatever private keys are at hand, by trying what blobs do not tell.
 *
 *   SIMPLEBLOB             under no key (exponent of one), then each RSA key of its size: PKCS#1 v1.5, OAEP, and both with the block the
 *                          other way round, as some programs wrote it
 *   PLAINTEXTKEYBLOB       as it is
 *   SYMMETRICWRAPKEYBLOB   under each session key at hand of its algorithm
 */
import { BLOB_HEADER_LENGTH, BLOB_TYPE } from '../blobs/key-blob-header.ts';
import { decodePlaintextKeyBlob } from '../blobs/plaintext-key-blob.ts';
import { reverseBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { importCapiKey, type CapiKey } from '../legacy/capi-key.ts';
import type { RsaWorkers } from '../legacy/rsa-workers.ts';
import { readNullKeySimpleBlob, unwrapSimpleBlob } from '../legacy/simple-blob.ts';
import { unwrapSymmetricWrapBlob } from '../legacy/symmetric-wrap.ts';
import type { KeyAtHand } from './key-at-hand.ts';

/** One thing that was tried. */
export interface Attempt {
  /** What with: a private key, none (the blob is in the clear), or a session key. */
  readonly key?: KeyAtHand;
  readonly padding?: 'pkcs1' | 'oaep';
  /** How the RSA block lies in the blob; CryptoAPI writes `little-endian`. */
  readonly byteOrder?: 'little-endian' | 'big-endian';
  readonly opened: boolean;
}

/** A session key, and how it was got at. */
export interface OpenedBlob extends Disposable {
  readonly key: CapiKey;
  readonly how: Attempt;
  /** Bytes of the blob; what follows them in the file is something else. */
  readonly length: number;
}

export interface OpenBlobOptions {
  /** Told of every attempt, in order. */
  readonly onAttempt?: (attempt: Attempt) => void;
}

export class BlobOpener {
  /** Replaced, never changed: blobs are opened at once, and each goes through the keys as they were when it began. */
  #keys: readonly KeyAtHand[];
  readonly #sessionKeys: readonly CapiKey[];
  readonly #workers: RsaWorkers;

  /**
   * @param keys - In the order in which they are to be tried; the one that opened the last blob is tried first.
   * @param sessionKeys - For SYMMETRICWRAPKEYBLOBs. The caller still owns them.
   * @param workers - Do the RSA. The caller still owns them.
   */
  constructor(keys: readonly KeyAtHand[], sessionKeys: readonly CapiKey[], workers: RsaWorkers) {
    this.#keys = keys;
    this.#sessionKeys = sessionKeys;
    this.#workers = workers;
  }

  /**
   * The session key of a blob.
   *
   * @param bytes - The blob, and perhaps what follows it in its file.
   * @returns The caller disposes of it; undefined where nothing at hand opens it.
   * @throws BlobFormatError for what is no such blob; KeyStoreError NOT_SUPPORTED, ALGORITHM_UNSUPPORTED for one that keycask cannot open.
   */
  async open(bytes: Uint8Array, options: OpenBlobOptions = {}): Promise<OpenedBlob | undefined> {
    switch (bytes[0] ?? 0) {
      case BLOB_TYPE.PLAINTEXTKEYBLOB:
        return this.#plaintext(bytes, options);
      case BLOB_TYPE.SYMMETRICWRAPKEYBLOB:
        return await this.#symmetric(bytes, options);
      default:
        return (await this.#simple(bytes, options)) ?? this.#inTheClear(bytes, options);
    }
  }

  #plaintext(bytes: Uint8Array, options: OpenBlobOptions): OpenedBlob {
    const blob = decodePlaintextKeyBlob(bytes, { trailing: 'allow' });
    const key = importCapiKey(blob.algId, blob.key);
    return opened(key, { length: PLAINTEXT_HEADER + blob.key.length }, options, {});
  }

  /** Last: of blobs under a key one in 65,536 looks like it, and those are opened by their key before. */
  #inTheClear(bytes: Uint8Array, options: OpenBlobOptions): OpenedBlob | undefined {
    const key = readNullKeySimpleBlob(bytes);
    if (key) return opened(key, { length: bytes.length }, options, {});
    options.onAttempt?.({ opened: false });
    return undefined;
  }

  async #simple(bytes: Uint8Array, options: OpenBlobOptions): Promise<OpenedBlob | undefined> {
    for (const key of this.#keys) {
      const modulusLength = Math.ceil(key.modulusBits / 8);
      const length = SIMPLE_HEADER + modulusLength;
      if (bytes.length < length) continue;
      const blob = bytes.subarray(0, length);
      for (const byteOrder of ['little-endian', 'big-endian'] as const) {
        const turned = byteOrder === 'little-endian' ? blob : withBlockReversed(blob);
        for (const padding of ['pkcs1', 'oaep'] as const) {
          const attempt = { key, padding, byteOrder };
          const found = await this.#try(turned, key, padding);
          if (found) {
            this.#tryFirst(key);
            return opened(found, { length }, options, attempt);
          }
          options.onAttempt?.({ ...attempt, opened: false });
        }
      }
    }
    return undefined;
  }

  async #try(
    blob: Uint8Array,
    { privateKey }: KeyAtHand,
    padding: 'pkcs1' | 'oaep',
  ): Promise<CapiKey | undefined> {
    return orUndefined(() =>
      padding === 'pkcs1'
        ? this.#workers.unwrapSimpleBlob(blob, privateKey)
        : unwrapSimpleBlob(blob, privateKey, { padding }),
    );
  }

  #tryFirst(key: KeyAtHand): void {
    if (this.#keys[0] !== key) this.#keys = [key, ...this.#keys.filter((other) => other !== key)];
  }

  async #symmetric(bytes: Uint8Array, options: OpenBlobOptions): Promise<OpenedBlob | undefined> {
    for (const wrappingKey of this.#sessionKeys) {
      const key = await orUndefined(() => unwrapSymmetricWrapBlob(bytes, wrappingKey));
      if (key) return opened(key, { length: bytes.length }, options, {});
      options.onAttempt?.({ opened: false });
    }
    return undefined;
  }
}

// oxlint-disable-next-line max-params -- a key, and how it was found
function opened(
  key: CapiKey,
  { length }: { length: number },
  options: OpenBlobOptions,
  attempt: Omit<Attempt, 'opened'>,
): OpenedBlob {
  const how = { opened: true, ...attempt };
  options.onAttempt?.(how);
  return { key, how, length, [Symbol.dispose]: () => key[Symbol.dispose]() };
}

/** Undefined where the key, the padding or the byte order is another one: nobody can tell which. */
async function orUndefined(unwrap: () => Promise<CapiKey>): Promise<CapiKey | undefined> {
  try {
    return await unwrap();
  } catch (error) {
    if (KeyStoreError.is(error) && ANOTHER_KEY.has(error.code)) return undefined;
    throw error;
  }
}

function withBlockReversed(blob: Uint8Array): Uint8Array {
  const turned = blob.slice();
  turned.set(reverseBytes(blob.subarray(SIMPLE_HEADER)), SIMPLE_HEADER);
  return turned;
}

const ANOTHER_KEY: ReadonlySet<string> = new Set(['KEY_UNWRAP_FAILED', 'PARAMETER_INVALID']);
const SIMPLE_HEADER = BLOB_HEADER_LENGTH + 4;
const PLAINTEXT_HEADER = BLOB_HEADER_LENGTH + 4;
