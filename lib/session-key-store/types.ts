/** What a SessionKeyStore takes and answers. */
import type { Provenance } from '../cms/metadata.ts';
import type { KeyStoreErrorCode } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { ProtectionLevel } from '../contracts/protection-level.ts';
import type { Isolation, Posture } from '../contracts/provider.ts';
import type { WorkFailure, WorkProgress } from '../contracts/work-list.ts';

/** Asked when a passphrase or password is needed. The store disposes of the answer. */
export type AskSecret = () => Promise<SecretBytes>;

export type ContainerAlgorithm = 'p-256' | 'p-384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

/** What a container's private keys lie sealed under on disk. */
export type ProtectorName = 'machine-secret' | 'passphrase' | 'dpapi';
export const PROTECTORS: readonly ProtectorName[] = ['machine-secret', 'passphrase', 'dpapi'];

/** How long, and how many, opened session keys are kept in memory. */
export interface KeyCacheLimits {
  /** Default 300,000 (five minutes). 0 keeps none. */
  readonly maxAgeMs?: number;
  /** Default 256. */
  readonly maxKeys?: number;
}

/**
 * Where the records of a home lie: in its folder (`directory`), in one file of LMDB, by default `records.mdb` in its folder, or in a PostgreSQL
 * database, which homes on many machines can share. `url` is not kept: who opens the home gives it again, or PostgreSQL's own variables do.
 */
export type StoreChoice =
  | { readonly kind: 'directory' }
  | { readonly kind: 'lmdb'; readonly path?: string }
  | {
      readonly kind: 'postgres';
      readonly url?: string;
      /** A file with such a URL and nothing else, which only its owner may read. Kept in keycask.json. */
      readonly urlFile?: string;
      /** Default `keycask`. Kept in keycask.json. */
      readonly schema?: string;
    };

export interface OpenStoreOptions {
  /** Folder of the home. Default: KEYCASK_HOME, else the platform's data folder. */
  readonly home?: string;
  /** Asked once, and only if the container is protected by a passphrase. Without it such a container is PASSWORD_REQUIRED. */
  readonly passphrase?: AskSecret;
  /** Of pkcs11: asked whenever the token wants its PIN. Without it such a home is PASSWORD_REQUIRED. */
  readonly pin?: AskSecret;
  /** Open no private key: list and verify only, everything else is PASSWORD_REQUIRED. */
  readonly readOnly?: boolean;
  readonly cache?: KeyCacheLimits;
  /** Of a home in PostgreSQL: `postgres://user:password@host:port/database`. Default: the file that keycask.json names, or the PG variables. */
  readonly storeUrl?: string;
  /**
   * Certificates (DER) of signers whom the log of a shared store may be by, though they are not pinned yet: {@link SessionKeyStore.trust} is to
   * pin them. Records that they signed are believed once they are.
   */
  readonly alsoTrust?: readonly Uint8Array[];
  /** Folder of the machine secret. Default: the platform's state folder. */
  readonly stateFolder?: string;
  /** Default `() => new Date()`. */
  readonly clock?: () => Date;
}

export interface CreateStoreOptions extends OpenStoreOptions {
  /** `software` (default), `isolated`, `pkcs11`; on Windows also `cryptoapi` and `cng`. With an isolation the default is the strongest that is here. */
  readonly provider?: string;
  /** Of cryptoapi: the name of the CSP. Of cng: the name of the key storage provider. Default: Microsoft's software ones. */
  readonly providerName?: string;
  /** Of isolated: path of the agent's socket. Default: where an agent of this user, or an installed one, listens. Kept in keycask.json. */
  readonly agentSocket?: string;
  /** Of isolated: the user that the agent runs as, by name or number, where it is neither this one nor root. Kept in keycask.json. */
  readonly agentUser?: string;
  /** Of pkcs11: path of the PKCS #11 module, which lies outside of the home. Kept in keycask.json. */
  readonly pkcs11Module?: string;
  /** Of pkcs11: label of the token. Kept in keycask.json. */
  readonly token?: string;
  /** Default `p-256`; `rsa-3072` where the provider agrees by no elliptic curve. */
  readonly algorithm?: ContainerAlgorithm;
  /** Isolation of the private keys: `require-vbs` wants VBS, a token or a TPM, `prefer-vbs` the strongest that is here. Default `none`. */
  readonly isolation?: Isolation;
  /** Default `machine-secret`. `dpapi` needs Windows. */
  readonly protector?: ProtectorName;
  /** May `container export` give the private keys out? Default true: archives need it. */
  readonly exportable?: boolean;
  /** Default `directory`. */
  readonly store?: StoreChoice;
  /** An invitation of another home ({@link SessionKeyStore.invite}): the new one shares its store. */
  readonly join?: Uint8Array;
  /** Name of the key container. Default `default`; `keycask` where containers belong to the whole system. */
  readonly container?: string;
}

export interface CreateKeyOptions {
  /** At most 64 bytes, for the application's own use. Default `data`. */
  readonly purpose?: string;
  readonly attributes?: readonly (readonly [name: string, value: string])[];
  /** After this time the key decrypts only. */
  readonly notAfter?: Date;
  /** Certificates (DER) of other people who can open it. */
  readonly recipients?: readonly Uint8Array[];
  /** A password that can open it. The caller still owns it. */
  readonly password?: SecretBytes;
  /** `argon2id` (default), or `pbkdf2`, which OpenSSL can read. */
  readonly passwordKdf?: 'argon2id' | 'pbkdf2';
  /** AES key length in bits: 128, 192 or 256 (default). Only 256-bit keys encrypt files. */
  readonly lengthInBits?: 128 | 192 | 256;
  /**
   * `envelope` (default), or `classic`: the record holds a SIMPLEBLOB, as CryptExportKey writes it, which the home's exchange key alone
   * opens. It has to be RSA.
   */
  readonly profile?: 'envelope' | 'classic';
}

export interface OpenKeyOptions {
  /** Opens a password recipient where no container does. The caller still owns it. */
  readonly password?: SecretBytes;
}

export interface RecipientSummary {
  /** `rsa-oaep`, `rsa-pkcs1`, `ecdh`, `argon2id` or `pbkdf2`. */
  readonly type: string;
  /** Subject key identifier in hex; absent for passwords. */
  readonly keyId?: string;
  /** Is it an exchange key of this home? */
  readonly own: boolean;
}

/** A record in the store, verified; or why it could not be. */
export interface KeyInfo {
  readonly id: string;
  readonly version: number;
  readonly label: string;
  /** `ok`, or the code of what is wrong with it: then only id, version and label are told, from the manifest. */
  readonly state: 'ok' | KeyStoreErrorCode;
  readonly purpose?: string;
  readonly algorithm?: string;
  readonly effectiveBits?: number;
  readonly created?: Date;
  readonly notAfter?: Date;
  readonly provenance?: Provenance;
  readonly attributes?: readonly (readonly [name: string, value: string])[];
  readonly profile?: 'envelope' | 'classic';
  /** Key identifier of the signer, in hex. */
  readonly signer?: string;
  readonly recipients?: readonly RecipientSummary[];
  readonly decryptOnly?: boolean;
  /** Commitment in hex: equal in two records that hold one key. */
  readonly commitment?: string;
}

/** Of verifying all records. */
export interface VerifyStoredOptions {
  /** Ends it with CANCELLED. */
  readonly signal?: AbortSignal;
  /** Threads that verify signatures; default one for each core, with 1 none. Few records start none. */
  readonly jobs?: number;
}

/** The outcome of verifying one record. */
export interface VerifyResult {
  readonly id: string;
  readonly label: string;
  readonly version: number;
  readonly state: 'ok' | KeyStoreErrorCode;
  readonly message?: string;
}

export interface RewrapKeyOptions {
  /** Certificates (DER) to add. */
  readonly add?: readonly Uint8Array[];
  /**
   * Recipients to leave out: indexes, as `show` numbers them from 0, which differ from record to record; or beginnings of their keys' identifiers,
   * at least 4 hex digits. One's own exchange key is always wrapped anew.
   */
  readonly drop?: readonly (number | string)[];
  /** A password to add. The caller still owns it. */
  readonly addPassword?: SecretBytes;
  readonly passwordKdf?: 'argon2id' | 'pbkdf2';
  /** Opens the record where no container does. The caller still owns it. */
  readonly password?: SecretBytes;
  /** Wrap for this container of the provider instead of the home's own. */
  readonly toContainer?: string;
}

/** A key container of the provider. */
export interface ContainerInfo {
  readonly name: string;
  readonly scope: 'user' | 'machine';
  /** `current` and `retired` sign and open records of this home; `other` is known to the provider only. */
  readonly state: 'current' | 'retired' | 'revoked' | 'other';
  /** Where the provider uses private keys; a key's own posture, where it is told, is more exact. */
  readonly usedIn: ProtectionLevel;
  readonly exchange?: ContainerKeyInfo;
  readonly signature?: ContainerKeyInfo;
}

export interface ContainerKeyInfo {
  readonly algorithm: string;
  /** Subject key identifier in hex. */
  readonly keyId: string;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** Only where the key could be opened. */
  readonly posture?: Posture;
  readonly protector?: string;
}

export interface TrustedSignerInfo {
  readonly name: string;
  readonly state: 'current' | 'retired' | 'pinned' | 'revoked';
  readonly keyId: string;
  /** DER */
  readonly certificate: Uint8Array;
}

/** Progress of work over many records. */
export interface StoreProgress {
  readonly done: number;
  readonly total: number;
  readonly id: string;
  /** What became of it; a code where the store does not have it as the manifest lists it. */
  readonly state: 'rewrapped' | 'unchanged' | KeyStoreErrorCode;
}

export interface LongWorkOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: StoreProgress) => void;
}

/** Of work over all records, which other processes may take part in where the store lies in a database. */
export interface BulkOptions extends LongWorkOptions {
  /**
   * Only take part in the job that is under way, or nothing where the newest has ended; so a process that is started again does not begin it anew.
   * Default false: where none is under way, one is begun.
   */
  readonly isJoining?: boolean;
}

export type BulkRewrapOptions = RewrapKeyOptions & BulkOptions;

/** What became of all records, by all processes; and what this one did. */
export interface BulkSummary extends WorkProgress {
  readonly own: { readonly done: number; readonly unchanged: number; readonly failed: number };
  readonly failures: readonly WorkFailure[];
}
