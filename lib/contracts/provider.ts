/**
 * Provider: a key storage provider, after NCryptOpenStorageProvider, NCryptCreatePersistedKey, NCryptSetProperty,
 * NCryptFinalizeKey, NCryptOpenKey and NCryptDeleteKey (ncrypt.h).
 *
 * The definition is the conformance suite `testProvider` of `keycask/testing`.
 */
import type { KeyAlgorithm, SignatureScheme } from '../keys/key-algorithms.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { Protection, ProtectionLevel } from './protection-level.ts';
import type { ToBeSigned } from './to-be-signed.ts';
import type { VerifiedKeyRecord } from './verified-record.ts';
import type { OaepHash, WrappedKey } from './wrapped-key.ts';

/** dwLegacyKeySpec of NCryptCreatePersistedKey. Two keys that share a name, one of each spec, are a key container. */
export type LegacyKeySpec = 'AT_KEYEXCHANGE' | 'AT_SIGNATURE' | 'none';

export type KeyScope = 'user' | 'machine';

/**
 * PREFER_VBS takes the strongest level that the provider has, and the posture says so where that is no VBS. REQUIRE_VBS takes VBS, a token or a
 * TPM, and fails with NTE_VBS_UNAVAILABLE elsewhere.
 */
export type Isolation = 'none' | 'prefer-vbs' | 'require-vbs';

/** NCRYPT_EXPORT_POLICY_PROPERTY. "Archive" is an export that only the handle that made the key may do. */
export interface ExportPolicy {
  /** NCRYPT_ALLOW_EXPORT_FLAG: wrapped under another key. */
  readonly export: boolean;
  /** NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG */
  readonly plaintextExport: boolean;
  /** NCRYPT_ALLOW_ARCHIVING_FLAG */
  readonly archive: boolean;
  /** NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG */
  readonly plaintextArchive: boolean;
}

/** NCRYPT_KEY_USAGE_PROPERTY. */
export type KeyUsage = 'decrypt' | 'sign' | 'agree';

/** NCRYPT_UI_POLICY_PROPERTY; settable only before finalize. */
export interface UiPolicy {
  readonly level: 'none' | 'protect' | 'force-high';
  readonly title?: string;
}

/** Where a private key is, and who could read or use it. */
export interface Posture extends Protection {
  /** Where the private half is while it is used. */
  readonly inMemory: ProtectionLevel;
  /** Where and how it lies when it is not: `sealed file under machine-secret`, `nowhere`. */
  readonly onDisk: string;
  /** Who can read the private half. */
  readonly readableBy: readonly string[];
  /** Who can have it used. */
  readonly usableBy: readonly string[];
  readonly exportable: boolean;
  readonly perBoot: boolean;
  readonly survives: {
    readonly passwordReset: boolean;
    readonly newMachine: boolean;
    readonly tpmClear: boolean;
    readonly reboot: boolean;
  };
  /** Said where something weaker than a preference was used: `prefer-vbs: no VBS here`. */
  readonly notes: readonly string[];
}

/** Properties of a key, by friendly name. `custom:NAME` holds at most 1 MiB, NAME at most 64 characters (NCryptSetProperty). */
export interface KeyProperties {
  /** NCRYPT_LENGTH_PROPERTY: bits; settable before finalize, RSA only. */
  length: number;
  exportPolicy: ExportPolicy;
  keyUsage: readonly KeyUsage[];
  uiPolicy: UiPolicy;
  /** NCRYPT_UNIQUE_NAME_PROPERTY: the key file's name. Read only. */
  uniqueName: string;
  /** NCRYPT_LAST_MODIFIED_PROPERTY. Read only. */
  modified: Date;
  /** Read only. */
  posture: Posture;
  [custom: `custom:${string}`]: Uint8Array | undefined;
}

export type KeyPropertyName = keyof KeyProperties;

export interface OpenKeyOptions {
  /** `machine` is NCRYPT_MACHINE_KEY_FLAG. Default `user`. */
  readonly scope?: KeyScope;
  /** NCRYPT_SILENT_FLAG: never ask, fail with PASSWORD_REQUIRED instead. */
  readonly silent?: boolean;
}

export interface CreateKeyOptions extends OpenKeyOptions {
  /** NCRYPT_OVERWRITE_KEY_FLAG; without it an existing name is CONTAINER_EXISTS (NTE_EXISTS). */
  readonly overwrite?: boolean;
  /** NCRYPT_PREFER_VBS_FLAG, NCRYPT_REQUIRE_VBS_FLAG. */
  readonly isolation?: Isolation;
  /** NCRYPT_USE_PER_BOOT_KEY_FLAG; only with a VBS option, else FLAGS_INVALID (NTE_BAD_FLAGS). */
  readonly perBoot?: boolean;
}

export interface FinalizeOptions {
  /** NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG: RSA without isolation only, else FLAGS_INVALID (NTE_BAD_FLAGS). */
  readonly writeToLegacyStore?: boolean;
}

export type PrivateKeyFormat = 'pkcs8' | 'PRIVATEKEYBLOB';

/** A session key that a provider made: as CryptExportKey gave it, and itself. */
export interface SessionKeyBlob {
  /** The SIMPLEBLOB, byte for byte, wrapped for the exchange key that made it. */
  readonly simpleBlob: Uint8Array;
  /** The caller owns, and wipes, it. */
  readonly sessionKey: SecretBytes;
}

export interface PersistedKeyInfo {
  readonly name: string;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly scope: KeyScope;
  /** SPKI DER, as the key's file says: not authenticated before the key is opened. */
  readonly publicKey: Uint8Array;
}

export interface ProviderCapabilities {
  readonly algorithms: readonly KeyAlgorithm[];
  readonly rsaLengths: readonly number[];
  readonly unwraps: readonly WrappedKey['type'][];
  readonly oaepHashes: readonly OaepHash[];
  readonly signs: readonly SignatureScheme[];
  /** Does it make session keys itself, where CryptoAPI does (`createSessionKeyBlob`)? */
  readonly sessionKeyBlobs: boolean;
  readonly scopes: readonly KeyScope[];
  /** Can a private key be brought in? */
  readonly import: boolean;
  readonly legacyStore: boolean;
  readonly persisted: boolean;
  /** Strongest place that a private key of this provider is used in. */
  readonly protectionLevel: ProtectionLevel;
}

/** A key storage provider. After `close`, every call throws HANDLE_INVALID (NTE_INVALID_HANDLE). */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: ProviderCapabilities;

  /**
   * Makes a key that can be used once it is finalized (NCryptCreatePersistedKey).
   *
   * @param name - null for an ephemeral key, which is never written.
   * @throws KeyStoreError CONTAINER_EXISTS, FLAGS_INVALID, PARAMETER_INVALID, ALGORITHM_UNSUPPORTED, VBS_UNAVAILABLE, HANDLE_INVALID.
   */
  createPersistedKey(
    algorithm: KeyAlgorithm,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options?: CreateKeyOptions,
  ): Promise<PendingKey>;

  /** Brings a private key in: PKCS#8 DER (NCryptImportKey, not finalized). The caller still owns, and wipes, `privateKey`. */
  importKey(
    privateKey: SecretBytes,
    name: string | null,
    legacyKeySpec: LegacyKeySpec,
    options?: CreateKeyOptions,
  ): Promise<PendingKey>;

  /** @throws KeyStoreError CONTAINER_NOT_FOUND (NTE_BAD_KEYSET), PASSWORD_WRONG, KEY_FILE_DAMAGED, PROTECTOR_UNAVAILABLE, KEY_PER_BOOT_GONE. */
  openKey(
    name: string,
    legacyKeySpec: LegacyKeySpec,
    options?: OpenKeyOptions,
  ): Promise<PersistedKey>;

  /** Keys that are written, without opening them. Both scopes unless one is named. */
  listKeys(options?: { readonly scope?: KeyScope }): AsyncIterable<PersistedKeyInfo>;

  /** Closes every key that is still open. Idempotent. */
  close(): Promise<void>;
}

/** A key before NCryptFinalizeKey: properties can be set, and that is all, by type. */
export interface PendingKey {
  setProperty<P extends KeyPropertyName>(property: P, value: KeyProperties[P]): Promise<void>;
  /** Makes the key usable and, if it has a name, writes it. Once only: then HANDLE_INVALID. */
  finalize(options?: FinalizeOptions): Promise<PersistedKey>;
}

/** A usable key. `close` and `delete` free it: after either, calls throw HANDLE_INVALID, but `publicKey` can be read. */
export interface PersistedKey extends AsyncDisposable {
  /** null: ephemeral. */
  readonly name: string | null;
  readonly algorithm: KeyAlgorithm;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly scope: KeyScope;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;

  /**
   * The content-encryption key of an envelope, or the session key of a SIMPLEBLOB. Only of a record that was verified.
   *
   * @param recipient - Index in `record.recipients`.
   * @throws KeyStoreError KEY_UNWRAP_FAILED for every failure that depends on the key; EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE) where its usage forbids unwrapping.
   */
  unwrap(record: VerifiedKeyRecord, recipient: number): Promise<SecretBytes>;

  /** A signature over one of keycask's own messages. */
  sign(message: ToBeSigned): Promise<Uint8Array>;

  /**
   * Makes an AES session key inside the provider (CryptGenKey) and exports it for this exchange key (CryptExportKey, SIMPLEBLOB). Only
   * where {@link ProviderCapabilities.sessionKeyBlobs}; else NOT_SUPPORTED.
   *
   * @throws KeyStoreError EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE) for a key that does not unwrap, ALGORITHM_UNSUPPORTED, NOT_SUPPORTED.
   */
  createSessionKeyBlob(lengthInBits: 128 | 192 | 256): Promise<SessionKeyBlob>;

  getProperty<P extends KeyPropertyName>(property: P): Promise<KeyProperties[P]>;
  setProperty<P extends KeyPropertyName>(property: P, value: KeyProperties[P]): Promise<void>;

  /** @throws KeyStoreError EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE) where the policy forbids plaintext export. */
  exportKey(format: PrivateKeyFormat): Promise<SecretBytes>;

  /** Deletes the key and frees the handle (NCryptDeleteKey). */
  delete(): Promise<void>;
  close(): Promise<void>;
}
