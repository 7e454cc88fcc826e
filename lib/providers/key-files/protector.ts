/** Protector: what seals the file keys of key files. */
import type { KeyReader } from '../../contracts/protection-level.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';

/** A file key under a protector, as it lies in a key file. */
export interface ProtectedFileKey {
  /** The protector's name. */
  readonly name: string;
  /** DER of a SEQUENCE: what the protector needs to find its own key again. */
  readonly parameters: Uint8Array;
  readonly wrappedFileKey: Uint8Array;
}

export interface ProtectorOptions {
  /** Never ask: fail with PASSWORD_REQUIRED instead. */
  readonly silent?: boolean;
}

/** What a protector contributes to a key's posture. */
export interface ProtectorPosture {
  /** Who can read a private key that is sealed under it. */
  readonly readableBy: readonly string[];
  /** Who could open a file that is sealed under it, asking nobody: `same user` where each of his programs can. */
  readonly couldRead: KeyReader;
  readonly survivesPasswordReset: boolean;
  readonly survivesNewMachine: boolean;
  readonly survivesTpmClear: boolean;
}

/**
 * Wraps and unwraps the 32-byte key of a key file.
 *
 * May be shared by several providers of one process. `lock` is called when a provider closes.
 */
export interface Protector {
  /** As it stands in key files: `machine-secret`, `passphrase`, `dpapi`. */
  readonly name: string;
  readonly posture: ProtectorPosture;

  /** Makes the secret that it stands on where there is none yet. The caller still owns `fileKey`. */
  wrap(fileKey: SecretBytes, options?: ProtectorOptions): Promise<ProtectedFileKey>;

  /**
   * The caller owns the result.
   *
   * @throws KeyStoreError PROTECTOR_UNAVAILABLE where the secret is not here, PASSWORD_WRONG, PASSWORD_REQUIRED, KEY_FILE_DAMAGED.
   */
  unwrap(sealed: ProtectedFileKey, options?: ProtectorOptions): Promise<SecretBytes>;

  /** Wipes what it remembers; the next use reads or asks again. */
  lock(): void;
}
