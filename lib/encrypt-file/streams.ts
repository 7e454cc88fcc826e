/** Encrypting and decrypting streams: an async generator at the core, and the shapes that web and Node pipelines want. */
import { Duplex } from 'node:stream';
import { ReadableStream, TransformStream, type ReadableWritablePair } from 'node:stream/web';
import type { FileKeys } from '../contracts/file-keys.ts';
import { ChunkSource, type Chunks } from '../file-encryption/byte-source.ts';
import { beginFile } from '../file-encryption/file-cipher.ts';
import { freshBuffers, openSegments, sealSegments } from '../file-encryption/segment-stream.ts';
import { factsOf, openHeader, readHeaders } from './decrypt.ts';
import { withFileKey } from './encrypt.ts';
import type { DecryptedFile, DecryptOptions, EncryptOptions, LongWork } from './options.ts';
import { counted } from './progress.ts';

export interface EncryptStreamOptions extends EncryptOptions, LongWork {}

export interface DecryptStreamOptions extends DecryptOptions, LongWork {
  /** Told once, when the first segment has verified: key, file id and context are then authentic. */
  readonly onOpened?: (file: Omit<DecryptedFile, 'bytes'>) => void;
}

/**
 * Encrypts a stream.
 *
 * Nothing is read and no key is made before the first chunk is asked for. Chunks of the result are up to 1 MiB and belong to the caller.
 *
 * @param source - A Node Readable, a web ReadableStream, any AsyncIterable or an array, of chunks of any size. It is closed when the result is.
 * @yields {Uint8Array} The encrypted file, in pieces.
 * @throws KeyStoreError PARAMETER_INVALID (context, or chunks that are no Uint8Array), CANCELLED, what the source throws and what `keys.fileKey` throws.
 * @example
 * ```ts
 * await pipeline(process.stdin, (source) => encryptStream(store, source), process.stdout);
 * ```
 */
export async function* encryptStream(
  keys: FileKeys,
  source: Chunks,
  options: EncryptStreamOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, onProgress } = options;
  const chunks = new ChunkSource(source, signal);
  try {
    const file = await withFileKey(keys, options, (key) => beginFile(key, options.context));
    using cipher = file.cipher;
    yield file.start;
    yield* counted(sealSegments(chunks, cipher, freshBuffers(), signal), 'sealed', { onProgress })
      .parts;
  } finally {
    chunks.close();
  }
}

/**
 * Decrypts a stream.
 *
 * Each chunk of the result has verified: it is what was encrypted, at that place. Whether it was **all** is known only when the result ends
 * without an error: a cut source throws FILE_DAMAGED after the last whole segment. Whoever acts on chunks before the end must be able to undo that;
 * {@link decryptFile} shows nothing until everything has verified.
 *
 * @param source - As in {@link encryptStream}.
 * @yields {Uint8Array} Plaintext that has verified.
 * @throws KeyStoreError FILE_DAMAGED, BLOB_MALFORMED, CONTEXT_MISMATCH, CANCELLED, what the source throws and what `keys.openHeaderRecord` throws.
 */
export async function* decryptStream(
  keys: FileKeys,
  source: Chunks,
  options: DecryptStreamOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, onProgress, onOpened } = options;
  const chunks = new ChunkSource(source, signal);
  try {
    const { header, streamHeader } = await readHeaders(chunks);
    const { cipher: opened, keyId } = await openHeader(keys, header, streamHeader, options);
    using cipher = opened;
    let tell = onOpened;
    const parts = openSegments(chunks, cipher, freshBuffers(), signal);
    for await (const part of counted(parts, 'opened', { onProgress }).parts) {
      tell?.(factsOf(header, keyId));
      tell = undefined;
      if (part.length > 0) yield part;
    }
  } finally {
    chunks.close();
  }
}

/** {@link encryptStream} for `pipeThrough` of web streams. */
export function encryptTransform(
  keys: FileKeys,
  options: EncryptStreamOptions = {},
): ReadableWritablePair<Uint8Array, Uint8Array> {
  return webPair((source) => encryptStream(keys, source, options));
}

/** {@link decryptStream} for `pipeThrough` of web streams. */
export function decryptTransform(
  keys: FileKeys,
  options: DecryptStreamOptions = {},
): ReadableWritablePair<Uint8Array, Uint8Array> {
  return webPair((source) => decryptStream(keys, source, options));
}

/** {@link encryptStream} as a Node stream, for `pipe`; where `pipeline` is used, it takes the generator itself. */
export function encryptDuplex(keys: FileKeys, options: EncryptStreamOptions = {}): Duplex {
  return Duplex.from((source: AsyncIterable<Uint8Array>) => encryptStream(keys, source, options));
}

/** {@link decryptStream} as a Node stream, for `pipe`; where `pipeline` is used, it takes the generator itself. */
export function decryptDuplex(keys: FileKeys, options: DecryptStreamOptions = {}): Duplex {
  return Duplex.from((source: AsyncIterable<Uint8Array>) => decryptStream(keys, source, options));
}

function webPair(
  work: (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): ReadableWritablePair<Uint8Array, Uint8Array> {
  const input = new TransformStream<Uint8Array, Uint8Array>();
  return { writable: input.writable, readable: ReadableStream.from(work(input.readable)) };
}
