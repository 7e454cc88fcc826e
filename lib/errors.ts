/** KeyStoreError: why a key operation failed, with a stable code and Windows' number. */
import { ERROR_CODES, type KeyStoreErrorCode } from './error-codes.ts';

export type { KeyStoreErrorCode } from './error-codes.ts';

/** Instances of the ESM and of the CJS build must know each other, so the brand is in the global registry. */
const BRAND = Symbol.for('keycask.KeyStoreError');

/** What the operating system or a native library said, kept as a number. */
export interface NativeStatus {
  /** The call that failed: `CryptExportKey`, `open`. */
  readonly api: string;
  readonly family: 'win32' | 'hresult' | 'ntstatus' | 'ckr' | 'errno';
  readonly value: number;
  /** Its symbolic name, where it has one: `ENOSPC`. */
  readonly name?: string;
}

export interface KeyStoreErrorDetails {
  /** Replaces the code's own hint where the place of failure knows a better one. */
  readonly hint?: string;
  readonly native?: NativeStatus;
}

/**
 * Why a key operation failed. Switch on `code`; `message` may change in any release.
 *
 * Carries no key bytes, no password and no blob. Failures that depend on a secret carry nothing but their code.
 *
 * @example
 * ```ts
 * try { await store.openKey(id); }
 * catch (e) { if (KeyStoreError.is(e) && e.code === 'KEY_NOT_FOUND') return undefined; throw e; }
 * ```
 */
export class KeyStoreError extends Error {
  /** Stable, one of {@link KeyStoreErrorCode}. */
  readonly code: KeyStoreErrorCode;
  /** The NTE_* number (an unsigned HRESULT) that the same failure has on Windows. */
  readonly nte: number;
  /** What to do about it, one sentence. */
  readonly hint: string;
  readonly native?: NativeStatus;

  constructor(code: KeyStoreErrorCode, message?: string, details: KeyStoreErrorDetails = {}) {
    super(message ?? ERROR_CODES[code].meaning);
    this.name = 'KeyStoreError';
    this.code = code;
    this.nte = ERROR_CODES[code].nte;
    this.hint = details.hint ?? ERROR_CODES[code].hint;
    if (details.native) this.native = details.native;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Is `error` a KeyStoreError of this build or of another one in the same process? */
  static is(error: unknown): error is KeyStoreError {
    return typeof error === 'object' && error !== null && BRAND in error;
  }

  /** The NTE number as Windows prints it: `0x8009000F (NTE_EXISTS)`. */
  get nteText(): string {
    return `0x${this.nte.toString(16).toUpperCase().padStart(8, '0')} (${ERROR_CODES[this.code].nteName})`;
  }

  toJSON(): Record<string, unknown> {
    const { code, nte, message, hint, native } = this;
    return { code, nte, message, hint, ...(native && { native }) };
  }
}

/** Where in which format the bytes were wrong. */
export interface BlobFormatFault {
  /** The format's name as its specification writes it: `SIMPLEBLOB`, `SignedData`. */
  readonly format: string;
  /** The specification's name of the field. */
  readonly field: string;
  /** Bytes from the start of the input. */
  readonly offset: number;
  /** What was wrong: `want 0x02, got 0x03`. Never bytes of a secret. */
  readonly problem: string;
}

/** Bytes from outside were not of their format. The only subclass of {@link KeyStoreError}: it has fields. */
export class BlobFormatError extends KeyStoreError {
  readonly format: string;
  readonly field: string;
  readonly offset: number;
  readonly problem: string;

  constructor(fault: BlobFormatFault, code: KeyStoreErrorCode = 'BLOB_MALFORMED') {
    super(code, `${fault.format}: ${fault.field} at offset ${fault.offset}: ${fault.problem}`);
    this.name = 'BlobFormatError';
    this.format = fault.format;
    this.field = fault.field;
    this.offset = fault.offset;
    this.problem = fault.problem;
  }

  override toJSON(): Record<string, unknown> {
    const { format, field, offset, problem } = this;
    return { ...super.toJSON(), format, field, offset, problem };
  }
}
