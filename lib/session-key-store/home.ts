/** Home: an open home with its provider, its trust, its records and its key container. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import type { Provider } from '../contracts/provider.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import type { OpenWork } from '../contracts/work-list.ts';
import { KeyStoreError, type NativeStatus } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import type { SigningIdentity } from '../messages/sign-message.ts';
import type { ExchangeKey } from '../records/open.ts';
import type { SoftwareProvider } from '../providers/software/index.ts';
import type { CheckSignature } from '../keys/signature.ts';
import {
  verifyKeyRecord,
  verifyKeyRecordBy,
  type TrustedSigner,
  type VerifyOptions,
} from '../records/verify.ts';
import type { ManifestedRecord } from '../stores/manifest/manifested-store.ts';
import { openMemoryWork } from '../stores/memory-work.ts';
import type { TrustedContainer, TrustList } from '../trust/trust-list.ts';
import type { Trust } from '../trust/trust.ts';
import { isRetired, openContainer, type OpenContainer } from './container.ts';
import type { KeyCache } from './key-cache.ts';
import { policiesOf, requireProtection } from './protection-policy.ts';
import type { ChangeAuthor, RecordShelf } from './record-shelf.ts';
import { hashOfTrust, type TrustFile } from './trust-file.ts';

export interface HomeParts {
  /** Folder, or undefined for a home in memory. */
  readonly path: string | undefined;
  /** Of the machine secret; undefined for the platform's. */
  readonly stateFolder?: string | undefined;
  readonly provider: Provider;
  readonly shelf: RecordShelf;
  readonly trustFile: TrustFile;
  readonly trust: Trust;
  readonly readOnly: boolean;
  readonly cache: KeyCache;
  readonly clock: () => Date;
  /** Where processes share work over all records. Default: each has its own. */
  readonly openWork?: OpenWork;
}

export class Home {
  readonly path: string | undefined;
  readonly stateFolder: string | undefined;
  readonly provider: Provider;
  readonly shelf: RecordShelf;
  readonly readOnly: boolean;
  readonly cache: KeyCache;
  readonly openWork: OpenWork;
  readonly #trustFile: TrustFile;
  readonly #clock: () => Date;
  readonly #containers = new Map<string, Promise<OpenContainer>>();
  /** Key identifiers, in hex, of containers that this process saw replaced. */
  readonly #succeeded = new Set<string>();
  #trust: Trust;
  #ownKeyIds: ReadonlySet<string>;
  #closed = false;

  constructor(parts: HomeParts) {
    this.path = parts.path;
    this.stateFolder = parts.stateFolder;
    this.provider = parts.provider;
    this.shelf = parts.shelf;
    this.readOnly = parts.readOnly;
    this.cache = parts.cache;
    this.openWork = parts.openWork ?? openMemoryWork;
    this.#trustFile = parts.trustFile;
    this.#clock = parts.clock;
    this.#trust = parts.trust;
    this.#ownKeyIds = ownKeyIdsOf(parts.trust);
  }

  get trust(): Trust {
    return this.#trust;
  }

  /** Key identifiers, in hex, of this home's exchange keys. */
  get ownKeyIds(): ReadonlySet<string> {
    return this.#ownKeyIds;
  }

  get storeId(): Uint8Array {
    return this.#trust.list.storeId;
  }

  /** Now, to the second: what records and messages can say. */
  now(): Date {
    return new Date(Math.floor(this.#clock().getTime() / 1000) * 1000);
  }

  /** Sees what other processes changed: new records, new trust. Every operation begins with it. */
  async refresh(): Promise<void> {
    if (this.#closed) throw new KeyStoreError('HANDLE_INVALID', 'the store was closed');
    await this.shelf.refresh();
    if (!equalBytes(this.shelf.trust.sha256, hashOfTrust(this.#trust)))
      await this.#adoptTrust(await this.#trustFile.load(this.shelf.trust.sha256));
  }

  /** The container that signs and wraps now. */
  async container(): Promise<OpenContainer> {
    if (this.readOnly)
      throw new KeyStoreError('PASSWORD_REQUIRED', 'the store was opened to list and verify only');
    return this.#containerOf(this.#trust);
  }

  /**
   * Checks that a trust list was signed by this home's own container. Without opening keys, the public half in its key file has to do.
   *
   * @throws KeyStoreError TRUST_INVALID; POLICY_REFUSED for a policy that is not known, or not satisfied; what opening the container throws.
   */
  async checkTrust(trust: Trust = this.#trust): Promise<void> {
    policiesOf(trust.list);
    if (!this.readOnly) {
      await this.#containerOf(trust);
      return;
    }
    const { container, publicKey } = trust.current;
    let isThere = false;
    for await (const key of this.provider.listKeys()) {
      if (key.name !== container.name) continue;
      if (equalBytes(key.publicKey, publicKey)) return;
      isThere = true;
    }
    throw isThere ? foreignTrust() : this.#noContainer(container.name);
  }

  async #containerOf(trust: Trust): Promise<OpenContainer> {
    const { container, keyId, publicKey } = trust.current;
    const open = await this.#openOnce(container.name).catch((error: unknown) => {
      if (!KeyStoreError.is(error) || error.code !== 'CONTAINER_NOT_FOUND') throw error;
      throw this.#noContainer(container.name, error.native);
    });
    // trust.cms is as authentic as the key that signed it: the provider's own copy of that key decides.
    if (!equalBytes(open.identity.publicKey, publicKey)) throw foreignTrust();
    // Its key is still here, to open what it opened. Whoever has a copy of it must not make himself the current one again.
    if (this.#succeeded.has(toHex(keyId)) || (await isRetired(open)))
      throw new KeyStoreError(
        'TRUST_INVALID',
        `trust.cms calls ${container.name} the current container, which was replaced`,
      );
    // Another home's exchange key of the same name and machine would be whole, and whatever was wrapped for it lost to this home.
    if (!equalBytes(open.exchange, container.exchange))
      throw new KeyStoreError(
        'KEY_FILE_DAMAGED',
        'the exchange key is not the one that trust.cms lists',
      );
    requireProtection(trust.list, open);
    return open;
  }

  #noContainer(name: string, native?: NativeStatus): KeyStoreError {
    return new KeyStoreError(
      'CONTAINER_NOT_FOUND',
      `the container ${name} of this home is not in the provider ${this.provider.name}`,
      {
        hint: 'Look at "provider" in keycask.json, or bring an exported container into a new home: `keycask container import`.',
        ...(native && { native }),
      },
    );
  }

  /**
   * Any container of the provider, opened once.
   *
   * @throws KeyStoreError POLICY_REFUSED for one that is less protected than the home demands; what opening a container throws.
   */
  async openContainer(name: string): Promise<OpenContainer> {
    const open = await this.#openOnce(name);
    requireProtection(this.#trust.list, open);
    return open;
  }

  #openOnce(name: string): Promise<OpenContainer> {
    const known = this.#containers.get(name);
    if (known) return known;
    const opening = openContainer(this.provider, name);
    this.#containers.set(name, opening);
    opening.catch(() => this.#containers.delete(name));
    return opening;
  }

  /** New keys are to be sealed as the container's are, whatever keycask.json says: that file could have been edited. */
  async sealLikeContainer(): Promise<void> {
    if (isSealing(this.provider))
      await this.provider.sealLike(this.#trust.current.container.name, 'AT_KEYEXCHANGE');
  }

  /** Keeps a container that was just made: an ephemeral one could not be opened again. */
  keepContainer(container: OpenContainer): void {
    this.#containers.set(container.name, Promise.resolve(container));
  }

  /** Forgets an opened container whose keys were replaced or deleted. */
  async closeContainer(name: string): Promise<void> {
    const known = this.#containers.get(name);
    this.#containers.delete(name);
    await (await known?.catch(() => undefined))?.close();
  }

  /** Who enters a change in the manifest: the current container, now. */
  async author(): Promise<ChangeAuthor> {
    return { identity: await this.identity(), clock: () => this.now() };
  }

  async identity(): Promise<SigningIdentity> {
    return (await this.container()).identity;
  }

  /** The exchange keys that may open records: of the current container and of retired ones, for the recipients at hand. */
  async exchangeKeys(record: VerifiedKeyRecord): Promise<ExchangeKey[]> {
    if (this.readOnly) return [];
    const wanted = new Set(
      record.recipients.flatMap((recipient) =>
        'keyId' in recipient ? [toHex(recipient.keyId)] : [],
      ),
    );
    const current = await this.container();
    const keys: ExchangeKey[] = [{ key: current.exchangeKey, keyId: current.exchangeKeyId }];
    // A SIMPLEBLOB names nobody (an empty key id): every container of ours may be meant.
    const any = wanted.has('');
    for (const { name, state, exchange } of this.#trust.openContainers) {
      if (state === 'current' || !(any || wanted.has(exchangeKeyIdOf(exchange)))) continue;
      const { exchangeKey, exchangeKeyId } = await this.openContainer(name);
      keys.push({ key: exchangeKey, keyId: exchangeKeyId });
    }
    return keys;
  }

  /**
   * The record of an id, verified, exactly as the manifest lists it.
   *
   * @throws KeyStoreError KEY_NOT_FOUND, RECORD_MISSING, RECORD_ROLLED_BACK, RECORD_MISPLACED, and what verifying a record throws.
   */
  async readRecord(id: string): Promise<VerifiedKeyRecord> {
    return this.verifyShelved(await this.shelf.get(id));
  }

  verifyShelved(record: ManifestedRecord): VerifiedKeyRecord {
    return verifyKeyRecord(record.bytes, this.#expected(record));
  }

  /** As {@link Home.verifyShelved}, with the signature checked by somebody else: of many records, on all cores. */
  verifyShelvedBy(check: CheckSignature, record: ManifestedRecord): Promise<VerifiedKeyRecord> {
    return verifyKeyRecordBy(check, record.bytes, this.#expected(record));
  }

  #expected({ id, version, index }: ManifestedRecord): VerifyOptions {
    const findSigner = (keyId: Uint8Array): TrustedSigner => {
      const pin = this.#trust.signer(keyId);
      // What a retired signer made before he was retired is as good as ever; what he made later is not.
      if (pin.trust === 'retired' && index > this.#retirementOf(pin.container)) {
        throw new KeyStoreError(
          'BLOB_SIGNER_NOT_TRUSTED',
          `the key that signed this (${pin.name}) was retired before`,
        );
      }
      return { ...pin, trust: 'pinned' };
    };
    return { findSigner, id, version, storeId: this.storeId };
  }

  /**
   * Looks at a stored record that is not the one that the manifest lists: what is wrong with its signer or its signature says more than
   * that it is another one.
   *
   * @throws KeyStoreError what verifying a record throws; nothing where it is genuine.
   */
  judge(id: string, bytes: Uint8Array): void {
    verifyKeyRecord(bytes, {
      findSigner: (keyId) => this.#trust.signer(keyId),
      id,
      storeId: this.storeId,
    });
  }

  /**
   * Changes trust.cms: signed by the container that the new list calls current, entered in the manifest by the present one.
   *
   * @param next - Signs the new list; the present container's identity where nothing rotates.
   */
  async commitTrust(change: (list: TrustList) => TrustList, next?: SigningIdentity): Promise<void> {
    const trust = await this.#trustFile.commit({
      shelf: this.shelf,
      present: async () => {
        await this.refresh();
        // Begun before anything else can run, so that the author is the one that this list calls current.
        const { list } = this.#trust;
        return { list, author: await this.author() };
      },
      change,
      ...(next && { next }),
    });
    await this.#adoptTrust(trust);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.cache.close();
    this.#containers.clear();
    await this.shelf.close();
    await this.provider.close();
  }

  /**
   * Index of the manifest entry that retired a container: the first trust entry after `retiredAt`. Between the two are records that
   * others entered while the new list was being signed.
   */
  #retirementOf(container?: TrustedContainer): number {
    const retiredAt = container?.retiredAt ?? 0;
    return this.shelf.trustAfter(retiredAt) ?? retiredAt;
  }

  async #adoptTrust(trust: Trust): Promise<void> {
    // Before it is believed: what is refused now must not be there the next time.
    await this.checkTrust(trust);
    const { keyId } = this.#trust.current;
    if (!equalBytes(keyId, trust.current.keyId)) this.#succeeded.add(toHex(keyId));
    this.#trust = trust;
    this.#ownKeyIds = ownKeyIdsOf(trust);
    // Keys of a revoked signer must not be answered from memory.
    this.cache.clear();
  }
}

function foreignTrust(): KeyStoreError {
  return new KeyStoreError(
    'TRUST_INVALID',
    'trust.cms was signed by another key than that of this home',
  );
}

function ownKeyIdsOf(trust: Trust): ReadonlySet<string> {
  return new Set(trust.openContainers.map(({ exchange }) => exchangeKeyIdOf(exchange)));
}

function exchangeKeyIdOf(certificate: Uint8Array): string {
  return toHex(signerOf(certificate).keyId);
}

function isSealing(provider: Provider): provider is SoftwareProvider {
  return 'sealLike' in provider && provider.capabilities.persisted;
}
