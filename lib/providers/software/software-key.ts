/** SoftwareKey: a private key that OpenSSL holds in this process, parsed once. */
import type { KeyObject } from 'node:crypto';
import type {
  KeyScope,
  LegacyKeySpec,
  Posture,
  PrivateKeyFormat,
} from '../../contracts/provider.ts';
import type {
  RsaOaepWrappedKey,
  RsaPkcs1WrappedKey,
  WrappedKey,
} from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import { EcdhPrivateKey, unwrapEcdh } from '../../keys/ecdh.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import { unwrapRsaOaep } from '../../keys/rsa-oaep.ts';
import { unpadRsaPkcs1, unwrapRsaPkcs1 } from '../../keys/rsa-pkcs1.ts';
import type { RsaThreads } from '../../keys/rsa-threads.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { signMessage } from '../../keys/signature.ts';
import type { KeyFacts } from '../key-files/key-facts.ts';
import type { KeyFiles } from '../key-files/key-files.ts';
import type { Protector } from '../key-files/protector.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { KeyName, StoredKey } from '../rules/key-storage.ts';
import { exportPkcs8 } from '../rules/private-key.ts';
import { postureOf } from './posture.ts';
import { exportPrivateKeyBlob } from './rsa-key-blob.ts';

/** Where named keys lie. */
export interface KeyPlaces {
  readonly files: KeyFiles;
  /** CryptoAPI containers. */
  readonly legacyFiles?: KeyFiles;
}

export interface SoftwareKeyParts {
  /** null: ephemeral. */
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  readonly privateKey: KeyObject;
  /** Of a key that is written. */
  readonly protector?: Protector;
  readonly perBoot: boolean;
  readonly inLegacyStore: boolean;
  /** NCRYPT_SILENT_FLAG, for as long as the handle lives. */
  readonly silent: boolean;
  /** Do RSA; without them it is done on the calling thread. */
  readonly rsaThreads?: RsaThreads | undefined;
}

export class SoftwareKey implements StoredKey {
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  readonly #places: KeyPlaces | undefined;
  readonly #facts: Omit<SoftwareKeyParts, 'privateKey'>;
  /** undefined once the handle is free. */
  #privateKey: KeyObject | undefined;
  #ecdh: EcdhPrivateKey | undefined;

  constructor(places: KeyPlaces | undefined, { privateKey, ...facts }: SoftwareKeyParts) {
    this.name = facts.name;
    this.scope = facts.scope;
    this.legacyKeySpec = facts.legacyKeySpec;
    this.algorithm = facts.algorithm;
    this.publicKey = facts.publicKey;
    this.properties = facts.properties;
    this.#places = places;
    this.#facts = facts;
    this.#privateKey = privateKey;
    if (facts.algorithm.startsWith('ECDH')) this.#ecdh = EcdhPrivateKey.from(privateKey);
  }

  async unwrap(wrapped: WrappedKey): Promise<SecretBytes> {
    const { rsaThreads } = this.#facts;
    if (rsaThreads && wrapped.type !== 'ecdh-x963')
      return unwrapOnThreads(rsaThreads, this.#privateKey!, wrapped);
    switch (wrapped.type) {
      case 'ecdh-x963':
        return unwrapEcdh(this.#ecdh!, wrapped);
      case 'rsa-oaep':
        return unwrapRsaOaep(this.#privateKey!, wrapped.hash, wrapped.encryptedKey);
      case 'rsa-pkcs1':
        return unwrapRsaPkcs1(this.#privateKey!, wrapped.encryptedKey, wrapped.plausibleLengths);
    }
  }

  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    return signMessage(this.#privateKey!, scheme, message);
  }

  async exportKey(format: PrivateKeyFormat): Promise<SecretBytes> {
    return format === 'pkcs8'
      ? exportPkcs8(this.#privateKey!)
      : exportPrivateKeyBlob(this.#privateKey!, this.legacyKeySpec);
  }

  /** Changes the properties wherever the key lies. */
  async change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined> {
    const { files, legacyFiles } = this.#places ?? {};
    const changeIn = (place: KeyFiles | undefined): Promise<KeyFacts | undefined> | undefined =>
      place?.update(
        { ...this.#keyName(), publicKey: this.publicKey },
        (facts) => ({ ...facts, properties: change(facts.properties) }),
        { silent: this.#facts.silent },
      );
    const legacy = this.algorithm === 'RSA' ? await changeIn(legacyFiles) : undefined;
    return ((await changeIn(files)) ?? legacy)?.properties;
  }

  uniqueName(): string {
    return this.name === null ? '' : (this.#places?.files.uniqueName(this.#keyName()) ?? '');
  }

  posture(properties: StoredProperties): Posture {
    const { protector, perBoot, inLegacyStore } = this.#facts;
    return postureOf({ protector, properties, publicKey: this.publicKey, perBoot, inLegacyStore });
  }

  async delete(): Promise<void> {
    const { files, legacyFiles } = this.#places ?? {};
    if (this.name !== null) {
      const key = { ...this.#keyName(), publicKey: this.publicKey };
      // The key's own file goes last: until then the key is there, and deleting can be tried again.
      await legacyFiles?.remove(key);
      await files?.remove(key);
    }
    await this.close();
  }

  close(): Promise<void> {
    if (this.#privateKey) this.#facts.rsaThreads?.forget(this.#privateKey);
    this.#privateKey = undefined;
    this.#ecdh = undefined;
    return Promise.resolve();
  }

  #keyName(): KeyName {
    return { name: this.name ?? '', scope: this.scope, legacyKeySpec: this.legacyKeySpec };
  }
}

/** As unwrapRsaOaep and unwrapRsaPkcs1 do it on the calling thread, with the same one failure. */
async function unwrapOnThreads(
  threads: RsaThreads,
  privateKey: KeyObject,
  wrapped: RsaOaepWrappedKey | RsaPkcs1WrappedKey,
): Promise<SecretBytes> {
  const { encryptedKey } = wrapped;
  if (wrapped.type === 'rsa-oaep') {
    const found = await threads.decrypt(privateKey, encryptedKey, `oaep-${wrapped.hash}`);
    if (!found) throw new KeyStoreError('KEY_UNWRAP_FAILED');
    return found;
  }
  using padded = await threads.decrypt(privateKey, encryptedKey);
  const block = padded?.bytes ?? new Uint8Array(encryptedKey.length);
  return unpadRsaPkcs1(block, wrapped.plausibleLengths);
}
