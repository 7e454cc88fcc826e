/** What callers say and hear when they encrypt and decrypt files. */
import type {
  DecryptionKeyOptions,
  EncryptionKeyOptions,
  FileKey,
} from '../contracts/file-keys.ts';
import type { FileContext } from '../file-encryption/file-context.ts';

/** How far a file or a stream is. */
export interface ProgressEvent {
  readonly type: 'progress';
  /** The source; undefined for a stream. */
  readonly path: string | undefined;
  /** Plaintext bytes. */
  readonly bytesDone: number;
  /** Absent for a stream, whose end nobody knows. */
  readonly bytesTotal?: number;
}

/** What every operation that takes time takes. */
export interface LongWork {
  /** Ends the work with CANCELLED; nothing partial stays behind. */
  readonly signal?: AbortSignal;
  /** Called after each segment (1 MiB), and at the end. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

export interface EncryptOptions extends EncryptionKeyOptions {
  /** Public pairs that are authenticated with the file, at most 4 KiB: what it is, whom it belongs to. */
  readonly context?: FileContext;
  /** A key that is open already, for many files; the caller still owns it. Replaces the options that choose or make a key. */
  readonly fileKey?: FileKey;
}

export interface DecryptOptions extends DecryptionKeyOptions {
  /** Pairs that the file's context must have, with these values; else CONTEXT_MISMATCH. */
  readonly context?: FileContext;
}

/** Whether an existing output may be replaced. */
export interface OutputOptions {
  /** Default false: FILE_EXISTS. */
  readonly overwrite?: boolean;
}

export interface EncryptedFile {
  /** Plaintext bytes. */
  readonly bytes: number;
  /** Record id of the session key, 32 hex digits. */
  readonly keyId: string;
  /** 32 hex digits. */
  readonly fileId: string;
}

export interface DecryptedFile extends EncryptedFile {
  /** As it was given when the file was encrypted, and authentic. */
  readonly context: FileContext;
}
