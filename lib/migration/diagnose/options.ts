/** What diagnose is given. */
import type { Inventory } from '../inventory.ts';
import type { KeysAtHand } from '../keys-at-hand.ts';
import type { LegacySecrets } from '../legacy-secrets.ts';
import type { CipherSample } from '../search-cipher.ts';

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
