/** What a command is pointed at: a key of the store, a record file (.cms), or an encrypted file (.cask). */
import { open, type FileHandle } from 'node:fs/promises';
import { toHex } from '../bytes/octets.ts';
import type { FileContext } from '../encrypt-file.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import type { SessionKeyStore } from '../session-key-store.ts';
import { about } from './errors.ts';

export type Target = { readonly kind: 'key'; readonly id: string } | FileTarget;

export type FileTarget = RecordTarget | CaskTarget;

interface RecordTarget {
  readonly kind: 'record';
  readonly path: string;
  readonly record: Uint8Array;
}

interface CaskTarget {
  readonly kind: 'cask';
  readonly path: string;
  readonly record: Uint8Array;
  readonly fileId: string;
  readonly context: FileContext;
}

/** A record has at most 1 MiB (DESIGN section 4). */
const MAX_RECORD = 1024 * 1024;
const ENOUGH_TO_TELL = 16;

/**
 * Finds out what a query means: a file where it looks like a path, else a key of the store, else a file all the same.
 *
 * @throws KeyStoreError KEY_NOT_FOUND, KEY_AMBIGUOUS, FILE_NOT_FOUND, BLOB_MALFORMED, …
 */
export async function resolveTarget(store: SessionKeyStore, query: string): Promise<Target> {
  if (looksLikePath(query)) return readTargetFile(query);
  try {
    return { kind: 'key', id: await store.resolve(query) };
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'KEY_NOT_FOUND') throw error;
    return readTargetFile(query).catch((fileError: unknown) => {
      if (!KeyStoreError.is(fileError) || fileError.code !== 'FILE_NOT_FOUND') throw fileError;
      throw new KeyStoreError(
        'KEY_NOT_FOUND',
        `${query}: no key of that id or label, and no such file`,
      );
    });
  }
}

/** Reads a record file whole, of an encrypted file only its header. Nothing of it is verified. */
export function readTargetFile(path: string): Promise<FileTarget> {
  return about(path, () => withFsErrors(path, () => readTarget(path)));
}

function looksLikePath(query: string): boolean {
  return /[\\/]|\.(cask|cms)$/iu.test(query);
}

async function readTarget(path: string): Promise<FileTarget> {
  const { looksLikeFileHeader, readFileHeader } = await import('../encrypt-file.ts');
  const file = await open(path, 'r');
  try {
    const start = await readStart(file, path, ENOUGH_TO_TELL);
    if (!looksLikeFileHeader(start))
      return { kind: 'record', path, record: await readRecord(file, path) };
  } finally {
    await file.close();
  }
  const { record, fileId, context } = await readFileHeader(path);
  return { kind: 'cask', path, record, fileId: toHex(fileId), context };
}

async function readRecord(file: FileHandle, path: string): Promise<Uint8Array> {
  const record = await readStart(file, path, MAX_RECORD + 1);
  if (record.length === 0)
    throw new BlobFormatError({
      format: 'key record',
      field: 'ContentInfo',
      offset: 0,
      problem: 'the file is empty',
    });
  if (record.length > MAX_RECORD)
    throw new KeyStoreError(
      'BLOB_TOO_LARGE',
      `${path}: a key record has at most ${MAX_RECORD} bytes`,
    );
  return record;
}

async function readStart(file: FileHandle, path: string, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  try {
    while (at < length) {
      const { bytesRead } = await file.read(bytes, at, length - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
  } catch (error) {
    if (isFsError(error, 'EISDIR'))
      throw new KeyStoreError('FILE_WRONG_TYPE', `${path}: is a folder`);
    throw error;
  }
  return bytes.subarray(0, at);
}
