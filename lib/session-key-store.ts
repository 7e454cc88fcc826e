/** SessionKeyStore: the class that a program holds. */
import { toHex } from './bytes/octets.ts';
import type {
  DecryptionKeyOptions,
  EncryptionKeyOptions,
  FileKey,
  FileKeys,
} from './contracts/file-keys.ts';
import type { ProtectionLevel } from './contracts/protection-level.ts';
import { decryptBytes, encryptBytes } from './encrypt-file.ts';
import { KeyStoreError } from './errors.ts';
import type { FileContext } from './file-encryption/file-context.ts';
import type { SessionKey } from './keys/session-key.ts';
import { decodeKeyRecord } from './records/decode.ts';
import { rewrapEach } from './session-key-store/bulk-rewrap.ts';
import type { ContainerKeys } from './session-key-store/container.ts';
import * as containers from './session-key-store/containers.ts';
import {
  describeStored,
  describeUnverified,
  describeVerified,
} from './session-key-store/describe.ts';
import { examine, type DoctorReport } from './session-key-store/doctor.ts';
import { fileKey, openHeaderRecord } from './session-key-store/file-keys.ts';
import type { Home } from './session-key-store/home.ts';
import {
  createKey,
  listed,
  openKey,
  removeKey,
  resolve,
  rotateKey,
} from './session-key-store/keys.ts';
import { acceptStore, type AcceptedStore } from './session-key-store/accept-store.ts';
import { createHome } from './session-key-store/create-home.ts';
import {
  homeInMemory,
  openHome,
  protectHome,
  type MemoryStoreOptions,
} from './session-key-store/open-home.ts';
import { writeInvitation } from './session-key-store/invitation.ts';
import * as policies from './session-key-store/policies.ts';
import {
  adoptRecord,
  importRecord,
  rewrapRecord,
  rewrapStored,
  verifyOutside,
  type OutsideOptions,
} from './session-key-store/rewrap.ts';
import type { VerifyEntriesOptions } from './session-key-store/record-shelf.ts';
import * as care from './session-key-store/store-care.ts';
import { listSigners, revokeSigner, trustSigner } from './session-key-store/signers.ts';
import type {
  AskSecret,
  BulkRewrapOptions,
  BulkSummary,
  ContainerInfo,
  CreateKeyOptions,
  CreateStoreOptions,
  KeyInfo,
  OpenKeyOptions,
  OpenStoreOptions,
  ProtectorName,
  RewrapKeyOptions,
  TrustedSignerInfo,
  VerifyResult,
  VerifyStoredOptions,
} from './session-key-store/types.ts';
import { verifyRecords } from './session-key-store/verify.ts';

/** The home of a store, for rooms of keycask alone: no subpath exports it. */
export let homeOf: (store: SessionKeyStore) => Home;

/**
 * Keeps session keys: wrapped under a key container, signed, stored, and verified before they are unwrapped.
 *
 * Several processes may use one home at the same time. After `close` every call throws HANDLE_INVALID (NTE_INVALID_HANDLE).
 * A `query` is a label (its newest key), an id, or the beginning of one (at least 4 hex digits).
 *
 * Every call that reads a record can throw KeyStoreError KEY_NOT_FOUND (NTE_NO_KEY), RECORD_MISSING, RECORD_ROLLED_BACK, RECORD_MISPLACED,
 * BLOB_SIGNER_NOT_TRUSTED, BLOB_SIGNATURE_INVALID (NTE_BAD_SIGNATURE), BLOB_MALFORMED (NTE_BAD_DATA); every call that opens one also
 * NO_RECIPIENT, KEY_UNWRAP_FAILED, KEY_COMMITMENT_MISMATCH, PASSWORD_REQUIRED, PASSWORD_WRONG; every call that writes one also STORE_CONFLICT,
 * STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY.
 *
 * @example
 * Keep a key and use it again.
 * ```ts
 * await using store = await SessionKeyStore.open();
 * using made = await store.createKey('reports');
 * using again = await store.openKey('reports');
 * console.log(made.id === again.id);
 * ```
 */
export class SessionKeyStore implements FileKeys, AsyncDisposable {
  readonly #home: Home;

  private constructor(home: Home) {
    this.#home = home;
  }

  static {
    homeOf = (store) => store.#home;
  }

  /**
   * Makes a home: a key container, a trust list that pins its signature key, an empty store.
   *
   * @throws KeyStoreError HOME_EXISTS (NTE_EXISTS), PROVIDER_UNAVAILABLE, ALGORITHM_UNSUPPORTED, PASSWORD_REQUIRED.
   */
  static async create(options: CreateStoreOptions = {}): Promise<SessionKeyStore> {
    return new SessionKeyStore(await createHome(options));
  }

  /**
   * Opens a home.
   *
   * @throws KeyStoreError HOME_NOT_FOUND (NTE_BAD_KEYSET), TRUST_NOT_FOUND, TRUST_INVALID, MANIFEST_DAMAGED, MANIFEST_ROLLED_BACK,
   *   PASSWORD_REQUIRED, PASSWORD_WRONG, KEY_FILE_DAMAGED, PROTECTOR_UNAVAILABLE.
   */
  static async open(options: OpenStoreOptions = {}): Promise<SessionKeyStore> {
    return new SessionKeyStore(await openHome(options));
  }

  /**
   * Takes the store of a home as it is, after a backup of it was put back on purpose; {@link SessionKeyStore.open} would refuse it by LOG_REWOUND.
   *
   * @throws KeyStoreError NOT_SUPPORTED where the records lie in the home's folder, and what `open` throws.
   */
  static accept(options: OpenStoreOptions = {}): Promise<AcceptedStore> {
    return acceptStore(options);
  }

  /** A store that touches no disk and is gone when it is closed: for an application's own tests. */
  static async inMemory(options: MemoryStoreOptions = {}): Promise<SessionKeyStore> {
    return new SessionKeyStore(await homeInMemory(options));
  }

  /** Folder of the home; undefined in memory. */
  get home(): string | undefined {
    return this.#home.path;
  }

  /** 32 hex digits. */
  get storeId(): string {
    return toHex(this.#home.storeId);
  }

  get readOnly(): boolean {
    return this.#home.readOnly;
  }

  /** Makes a session key and stores its signed record. The key belongs to the caller, who disposes of it. */
  async createKey(label: string, options?: CreateKeyOptions): Promise<SessionKey> {
    return (await createKey(this.#home, label, options)).key;
  }

  /** Reads a record, verifies it, and opens it. The key belongs to the caller, who disposes of it. */
  openKey(query: string, options?: OpenKeyOptions): Promise<SessionKey> {
    return openKey(this.#home, query, options);
  }

  /** The id that a query means. @throws KeyStoreError KEY_NOT_FOUND (NTE_NO_KEY), KEY_AMBIGUOUS. */
  async resolve(query: string): Promise<string> {
    await this.#home.refresh();
    return resolve(this.#home, query);
  }

  /** Every key of the store, in the order in which they were made, verified. Needs no private key. */
  async *listKeys(): AsyncIterable<KeyInfo> {
    await this.#home.refresh();
    for await (const { id, version, label } of this.#home.shelf.list())
      yield await describeStored(this.#home, { id, version, label });
  }

  async showKey(query: string): Promise<KeyInfo> {
    const id = await this.resolve(query);
    return describeStored(this.#home, await listed(this.#home, id));
  }

  /** What the bytes of a record say, and in `state` whether that can be believed. */
  describeRecord(bytes: Uint8Array): KeyInfo & { readonly verified: boolean } {
    try {
      return {
        ...describeVerified(verifyOutside(this.#home, bytes), this.#home.ownKeyIds),
        verified: true,
      };
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
      return {
        ...describeUnverified(decodeKeyRecord(bytes), error.code, this.#home.ownKeyIds),
        verified: false,
      };
    }
  }

  /**
   * Checks all records, or one, against manifest, signature and form. Needs no private key.
   *
   * Records that lie in the store and that the manifest does not list come last, without a label: nothing uses them, but somebody put
   * them there, or put an old manifest back. Of many records the signatures are verified on all cores.
   *
   * @throws KeyStoreError CANCELLED.
   */
  verify(query?: string, options?: VerifyStoredOptions): AsyncIterable<VerifyResult> {
    return verifyRecords(this.#home, query, options);
  }

  /** Verifies a record that is not from this store. @throws KeyStoreError BLOB_SIGNER_NOT_TRUSTED, BLOB_SIGNATURE_INVALID, BLOB_MALFORMED. */
  verifyRecord(bytes: Uint8Array, options?: OutsideOptions): KeyInfo {
    return describeVerified(verifyOutside(this.#home, bytes, options), this.#home.ownKeyIds);
  }

  /** Writes the next version of a record: same key, id and label, other recipients. */
  rewrap(query: string, options?: RewrapKeyOptions): Promise<KeyInfo> {
    return rewrapStored(this.#home, query, options);
  }

  /**
   * Writes the next version of every record. Can be interrupted and run again; where the store lies in a database, any number of processes, on any
   * number of machines, take part in it, and each record is re-wrapped by one of them.
   *
   * @throws KeyStoreError PASSWORD_REQUIRED, WORK_NOT_FOUND, CANCELLED.
   */
  rewrapAll(options?: BulkRewrapOptions): Promise<BulkSummary> {
    return rewrapEach(this.#home, options);
  }

  /** The next version of a record that is not from this store: for a file's header. */
  rewrapRecord(
    bytes: Uint8Array,
    options?: RewrapKeyOptions & OutsideOptions,
  ): Promise<Uint8Array> {
    return rewrapRecord(this.#home, bytes, options);
  }

  /** A new session key under the same label. The old ones still decrypt. */
  async rotateKey(label: string, options?: CreateKeyOptions): Promise<SessionKey> {
    return (await rotateKey(this.#home, label, options)).key;
  }

  /** Removes a record. Files that carry it in their header can still be opened. */
  removeKey(query: string): Promise<void> {
    return removeKey(this.#home, query);
  }

  /** DER of a verified record: what `openssl cms` reads. */
  async exportRecord(query: string): Promise<Uint8Array> {
    const id = await this.resolve(query);
    return (await this.#home.readRecord(id)).parts.bytes.slice();
  }

  /** Takes a record in from another store or a file's header; opened by a password alone it decrypts only, until it is adopted. */
  importRecord(bytes: Uint8Array, options?: OutsideOptions): Promise<KeyInfo> {
    return importRecord(this.#home, bytes, options);
  }

  /** Makes a decrypt-only key of the store a full one. */
  adopt(query: string): Promise<KeyInfo> {
    return adoptRecord(this.#home, query);
  }

  fileKey(options?: EncryptionKeyOptions): Promise<FileKey> {
    return fileKey(this.#home, options);
  }

  openHeaderRecord(record: Uint8Array, options?: DecryptionKeyOptions): Promise<SessionKey> {
    return openHeaderRecord(this.#home, record, options);
  }

  /**
   * Encrypts bytes; the result is a `.cask` file in memory, with the key's record in its header.
   *
   * @param options - `key`: label or id of a stored key; without it a new one is made and stored. `context`: public, authenticated pairs.
   */
  encrypt(
    data: Uint8Array,
    options: EncryptionKeyOptions & { readonly context?: FileContext } = {},
  ): Promise<Uint8Array> {
    return encryptBytes(this, data, options);
  }

  /** @throws KeyStoreError FILE_DAMAGED, and what opening a record throws: nothing unverified is returned. */
  decrypt(
    data: Uint8Array,
    options: DecryptionKeyOptions & { readonly context?: FileContext } = {},
  ): Promise<Uint8Array> {
    return decryptBytes(this, data, options);
  }

  listContainers(): AsyncIterable<ContainerInfo> {
    return containers.listContainers(this.#home);
  }

  /** One container, with the posture of its keys. Default: the home's own. */
  showContainer(name?: string): Promise<ContainerInfo> {
    return containers.showContainer(this.#home, name);
  }

  createContainer(name: string, options?: containers.NewContainerOptions): Promise<ContainerInfo> {
    return containers.makeContainer(this.#home, name, options);
  }

  deleteContainer(name: string): Promise<void> {
    return containers.deleteContainer(this.#home, name);
  }

  /** Replaces the home's container, and re-wraps and re-signs every record; finishes an interrupted rotation. */
  rotateContainer(options?: containers.RotateContainerOptions): Promise<number> {
    return containers.rotateContainer(this.#home, options);
  }

  /**
   * What another home needs to share the store of this one, for {@link CreateStoreOptions.join}. It is handed over as a certificate is: who can change
   * it chooses whom the other home trusts.
   *
   * @throws KeyStoreError NOT_SUPPORTED where the records lie in the home's folder.
   */
  invite(): Promise<Uint8Array> {
    return writeInvitation(this.#home);
  }

  /** Seals the home's private keys under another protector. */
  protectContainer(protector: ProtectorName, passphrase?: AskSecret): Promise<void> {
    return protectHome(this.#home, protector, passphrase);
  }

  /** DER: `exchange` for people who wrap keys for you, `signature` for people who verify you. */
  certificate(role: 'exchange' | 'signature', container?: string): Promise<Uint8Array> {
    return containers.certificateOf(this.#home, role, container);
  }

  /** Private keys, PKCS#8 DER; the caller disposes of them. @throws KeyStoreError EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE). */
  exportContainer(name?: string): Promise<ContainerKeys> {
    return containers.exportContainer(this.#home, name);
  }

  /** Brings private keys in under a new name: they open what was wrapped for them. */
  importContainer(name: string, keys: ContainerKeys): Promise<ContainerInfo> {
    return containers.bringContainer(this.#home, name, keys);
  }

  listSigners(): TrustedSignerInfo[] {
    return listSigners(this.#home);
  }

  /** Pins somebody else's signing certificate (DER). */
  trustSigner(certificate: Uint8Array, name?: string): Promise<TrustedSignerInfo> {
    return trustSigner(this.#home, certificate, name);
  }

  /** Ends all trust in a signer. Final. */
  revokeSigner(keyIdOrName: string): Promise<TrustedSignerInfo> {
    return revokeSigner(this.#home, keyIdOrName);
  }

  /** What the signed trust list demands of the home's private keys. */
  listPolicies(): policies.HomePolicies {
    return policies.listPolicies(this.#home);
  }

  /** From now on no container that is less protected is made or opened; undefined demands nothing. @throws KeyStoreError POLICY_REFUSED where one of this home is below. */
  setMinimumProtection(level: ProtectionLevel | undefined): Promise<policies.HomePolicies> {
    return policies.setMinimumProtection(this.#home, level);
  }

  /** What the records lie in, how many there are, and how far its manifest or log has come. @param storeUrl - As it was opened with. */
  storeStatus(storeUrl?: string): Promise<care.StoreStatus> {
    return care.storeStatus(this.#home, storeUrl);
  }

  /** Reads the manifest, or the log, from its first entry on, and answers how many it has. @throws KeyStoreError MANIFEST_DAMAGED, LOG_DAMAGED, LOG_TRUNCATED, CANCELLED. */
  verifyEntries(options: VerifyEntriesOptions = {}): Promise<number> {
    return care.verifyEntries(this.#home, options);
  }

  /** Sweeps nodes of the log's map that nothing needs any more. @throws KeyStoreError NOT_SUPPORTED of a directory store. */
  compactStore(): Promise<{ readonly kept: number; readonly removed: number }> {
    return care.compactStore(this.#home);
  }

  /** What this home can do here, what protects it, and what does not. */
  doctor(): Promise<DoctorReport> {
    return examine(this.#home);
  }

  /** Wipes every key that is open in memory. Idempotent. */
  close(): Promise<void> {
    return this.#home.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
