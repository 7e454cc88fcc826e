/**
 * KeyStorage: where private keys are and what uses them. What every provider owes its callers besides, the rules of this folder see to:
 * arguments, usages, export policies, handles.
 */
import type { KeyObject } from 'node:crypto';
import type {
  Isolation,
  KeyScope,
  LegacyKeySpec,
  PersistedKeyInfo,
  Posture,
  PrivateKeyFormat,
  ProviderCapabilities,
  SessionKeyBlob,
} from '../../contracts/provider.ts';
import type { VerifiedKeyRecord } from '../../contracts/verified-record.ts';
import type { WrappedKey } from '../../contracts/wrapped-key.ts';
import type { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { StoredProperties } from './key-properties.ts';

/** What names a key: two keys that differ in one of these are two keys. */
export interface KeyName {
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly name: string;
}

/** A key that is asked for, every argument checked. */
export interface KeyRequest {
  readonly algorithm: KeyAlgorithm;
  /** null: ephemeral. */
  readonly name: string | null;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly scope: KeyScope;
  readonly silent: boolean;
  readonly overwrite: boolean;
  readonly isolation: Isolation;
  readonly perBoot: boolean;
  /** Of a key that is brought in: of a size that is taken, and both halves belong together. */
  readonly imported?: KeyObject;
}

/** What a key is made of when it is finalized. */
export interface KeyToMake<Place> extends KeyRequest {
  /** Bits; of RSA keys that are not brought in. */
  readonly rsaLength: number;
  readonly properties: StoredProperties;
  readonly writeToLegacyStore: boolean;
  /** What {@link KeyStorage.place} answered when the key was asked for; of a key with a name. */
  readonly place?: Place;
}

/** `Place` is what a storage remembers of a name between the request for a key and its making: only that may be replaced. */
export interface KeyStorage<Place = unknown> {
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;

  /**
   * Looks where a new key would go (NCryptCreatePersistedKey). Nothing is written.
   *
   * @throws KeyStoreError CONTAINER_EXISTS (NTE_EXISTS) unless the request overwrites.
   */
  place(request: KeyRequest & KeyName): Promise<Place>;

  /**
   * Makes a key and, if it has a name, keeps it (NCryptFinalizeKey). What fails leaves nothing behind.
   *
   * @throws KeyStoreError CONTAINER_EXISTS where somebody else took the place meanwhile; VBS_UNAVAILABLE.
   */
  make(key: KeyToMake<Place>): Promise<StoredKey>;

  /** @returns undefined where there is no such key. */
  open(name: KeyName, options: { readonly silent: boolean }): Promise<StoredKey | undefined>;

  /** @yields For a key that cannot be read, the reason in its place. */
  list(scope: KeyScope): AsyncIterable<PersistedKeyInfo | KeyStoreError>;

  close(): Promise<void>;
}

/** One handle of a private key. Its caller has checked arguments, usages and policies, and does not use it after `close` or `delete`. */
export interface StoredKey {
  /** null: ephemeral. */
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** As they are when the handle is made. */
  readonly properties: StoredProperties;

  /**
   * @param record - Where `wrapped` is from.
   * @throws KeyStoreError KEY_UNWRAP_FAILED for every failure that depends on the key.
   */
  unwrap(wrapped: WrappedKey, record: VerifiedKeyRecord): Promise<SecretBytes>;

  /** @returns RSA: as long as the modulus, big-endian. ECDSA: DER. */
  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array>;

  /** Of an exchange key; only where the storage's capabilities have it. */
  createSessionKeyBlob?(lengthInBits: 128 | 192 | 256): Promise<SessionKeyBlob>;

  exportKey(format: PrivateKeyFormat): Promise<SecretBytes>;

  /**
   * Changes what is kept of the key's properties, in one step with regard to everybody else who changes them. Not called for an ephemeral key.
   *
   * @returns undefined where the key was deleted or replaced.
   */
  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined>;

  /** Where custom properties do not lie in `properties`. */
  readonly custom?: CustomProperties;

  /** NCRYPT_UNIQUE_NAME_PROPERTY; '' for an ephemeral key. */
  uniqueName(): string;
  posture(properties: StoredProperties): Posture;

  /** Deletes the key for everybody, unless another took its place, and frees the handle. */
  delete(): Promise<void>;
  close(): Promise<void>;
}

/** Custom properties that the storage keeps one by one. Names and values are checked. */
export interface CustomProperties {
  get(name: string): Promise<Uint8Array | undefined>;
  /** @returns false where the key was deleted or replaced. */
  set(name: string, value: Uint8Array | undefined): Promise<boolean>;
}
