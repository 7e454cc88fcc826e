/** FileKeys: where encrypted files get their session keys from. A SessionKeyStore is one. */
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { SessionKey } from '../keys/session-key.ts';

/** A session key that files may be encrypted with, and the record that goes into their headers. */
export interface FileKey extends Disposable {
  readonly key: SessionKey;
  /** DER of the key record. */
  readonly record: Uint8Array;
}

export interface EncryptionKeyOptions {
  /** Label or id of a key of the store; without it a new key is made. */
  readonly key?: string;
  /** Certificates (DER) of other people who can open the new key. */
  readonly recipients?: readonly Uint8Array[];
  /** A password that opens the new key. The caller still owns it. */
  readonly password?: SecretBytes;
  /** The new key's record lies in the file's header only, not in the store. */
  readonly headerOnly?: boolean;
  /** Label of the new key. */
  readonly label?: string;
}

export interface DecryptionKeyOptions {
  /** Opens a password recipient, where no container does. The caller still owns it. */
  readonly password?: SecretBytes;
  /** Certificates (DER) of signers that are trusted for this call only. */
  readonly signers?: readonly Uint8Array[];
}

export interface FileKeys {
  /** @throws KeyStoreError KEY_NOT_FOUND, KEY_DECRYPT_ONLY, RECORD_EXPIRED, and what reading and verifying a record throws. */
  fileKey(options?: EncryptionKeyOptions): Promise<FileKey>;

  /**
   * Verifies and opens the record of a file's header; where the store has a newer record of that id, that one.
   *
   * @throws KeyStoreError BLOB_SIGNER_NOT_TRUSTED, BLOB_SIGNATURE_INVALID, NO_RECIPIENT, PASSWORD_WRONG, KEY_COMMITMENT_MISMATCH.
   */
  openHeaderRecord(record: Uint8Array, options?: DecryptionKeyOptions): Promise<SessionKey>;
}
