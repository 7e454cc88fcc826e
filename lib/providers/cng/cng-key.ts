/** CngKey: a handle of a key whose private half a key storage provider holds. */
import { createHash } from 'node:crypto';
import {
  BCRYPT_ECCPRIVATE_BLOB,
  BCRYPT_RSAFULLPRIVATE_BLOB,
} from '../../../native-bindings/bcrypt-constants.ts';
import {
  NCRYPT_EXPORT_POLICY_PROPERTY,
  NCRYPT_PERSIST_FLAG,
  NCRYPT_SILENT_FLAG,
} from '../../../native-bindings/ncrypt-constants.ts';
import { equalBytes } from '../../bytes/octets.ts';
import { ALG_ID } from '../../blobs/alg-id.ts';
import { schemeHash } from '../../cms/algorithms.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type {
  KeyScope,
  LegacyKeySpec,
  Posture,
  PrivateKeyFormat,
} from '../../contracts/provider.ts';
import type { WrappedKey } from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import { privateKeyFromCngBlob } from '../../keys/cng-key-blob.ts';
import { ecdsaSignatureToDer } from '../../keys/ecdsa-signature.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import { rsaPrivateKeyToBlob } from '../../keys/rsa-key-blob.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { CustomProperties, KeyName, StoredKey } from '../rules/key-storage.ts';
import type { NativeHandle } from '../windows/native-handle.ts';
import { uniformly } from '../windows/unwrap-failure.ts';
import { unwrapByAgreement } from './cng-agreement.ts';
import type { CngKeys, FoundKey } from './cng-keys.ts';
import { exportPolicyDword, readCustom, writeCustom, writeFacts } from './cng-properties.ts';

export interface CngKeyParts {
  readonly keys: CngKeys;
  readonly handle: NativeHandle;
  /** null: ephemeral. */
  readonly name: string | null;
  readonly nativeName: string;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  /** NCRYPT_SILENT_FLAG, for as long as the handle lives. */
  readonly silent: boolean;
  readonly uniqueName: string;
  readonly posture: (properties: StoredProperties) => Posture;
}

export class CngKey implements StoredKey {
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  readonly custom?: CustomProperties;
  readonly posture: (properties: StoredProperties) => Posture;
  readonly #parts: CngKeyParts;

  constructor(parts: CngKeyParts) {
    this.name = parts.name;
    this.scope = parts.scope;
    this.legacyKeySpec = parts.legacyKeySpec;
    this.algorithm = parts.algorithm;
    this.publicKey = parts.publicKey;
    this.properties = parts.properties;
    this.posture = parts.posture;
    this.#parts = parts;
    if (parts.name !== null) this.custom = this.#customProperties();
  }

  unwrap(wrapped: WrappedKey): Promise<SecretBytes> {
    return uniformly(() => this.#parts.handle.use((key) => this.#unwrap(key, wrapped)));
  }

  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    const { handle, keys } = this.#parts;
    const digest = createHash(schemeHash(scheme)).update(message).digest();
    return handle.use(async (key) => {
      switch (scheme) {
        case 'rsa-pkcs1-sha256':
          return keys.ncrypt.signHash(key, digest, { type: 'pkcs1', hash: 'SHA256' }, this.#flags);
        case 'rsa-pss-sha256':
          return keys.ncrypt.signHash(
            key,
            digest,
            { type: 'pss', hash: 'SHA256', saltLength: digest.length },
            this.#flags,
          );
        case 'ecdsa-sha256':
        case 'ecdsa-sha384':
          return ecdsaSignatureToDer(
            await keys.ncrypt.signHash(key, digest, undefined, this.#flags),
          );
      }
    });
  }

  async exportKey(format: PrivateKeyFormat): Promise<SecretBytes> {
    const { handle, keys } = this.#parts;
    const blobType = this.algorithm === 'RSA' ? BCRYPT_RSAFULLPRIVATE_BLOB : BCRYPT_ECCPRIVATE_BLOB;
    const exported = await handle.use((key) => keys.ncrypt.exportKey(key, blobType));
    using blob = SecretBytes.take(exported);
    const pkcs8 = privateKeyFromCngBlob(blob.bytes);
    if (format === 'pkcs8') return pkcs8;
    using _pkcs8 = pkcs8;
    const isSignature = this.legacyKeySpec === 'AT_SIGNATURE';
    return rsaPrivateKeyToBlob(
      pkcs8.bytes,
      isSignature ? ALG_ID.CALG_RSA_SIGN : ALG_ID.CALG_RSA_KEYX,
    );
  }

  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined> {
    const { ncrypt } = this.#parts.keys;
    return this.#onKeptKey((found) => {
      const { facts, publicKey, algorithm } = found;
      const present = facts?.properties ?? this.properties;
      const properties = { ...change(present), custom: NO_CUSTOM };
      const generation = (facts?.generation ?? 0) + 1;
      const named = { ...this.#keyName(), algorithm, publicKey, properties };
      writeFacts(ncrypt, found.handle, { ...named, generation, content: 'reference' });
      narrow(() =>
        ncrypt.setProperty(
          found.handle,
          NCRYPT_EXPORT_POLICY_PROPERTY,
          exportPolicyDword(properties.exportPolicy),
          NCRYPT_PERSIST_FLAG,
        ),
      );
      return properties;
    });
  }

  uniqueName(): string {
    return this.#parts.uniqueName;
  }

  /** The key, and its copy in the legacy store. */
  async delete(): Promise<void> {
    const { keys, nativeName, silent } = this.#parts;
    if (this.name !== null)
      await keys.withLock(this.#keyName(), async () => {
        for (let copies = 0; copies < MAX_COPIES; copies++) {
          const found = keys.openNative(nativeName, this, silent);
          if (!found) return;
          if (!equalBytes(found.publicKey, this.publicKey))
            return keys.ncrypt.freeObject(found.handle);
          deleteNative(keys, found);
        }
      });
    await this.close();
  }

  close(): Promise<void> {
    return this.#parts.handle.close();
  }

  get #flags(): number {
    return this.#parts.silent ? NCRYPT_SILENT_FLAG : 0;
  }

  async #unwrap(key: bigint, wrapped: WrappedKey): Promise<SecretBytes> {
    const { keys } = this.#parts;
    const { ncrypt, provider } = keys;
    if (wrapped.type === 'ecdh-x963')
      return unwrapByAgreement({ ncrypt, provider, key, algorithm: this.algorithm }, wrapped);
    // RFC 8017 sections 7.1.2 and 7.2.2, step 1: exactly as long as the modulus.
    if (wrapped.encryptedKey.length !== modulusLength(this.publicKey))
      throw new KeyStoreError('KEY_UNWRAP_FAILED');
    const padding =
      wrapped.type === 'rsa-oaep'
        ? ({ type: 'oaep', hash: wrapped.hash === 'sha1' ? 'SHA1' : 'SHA256' } as const)
        : ({ type: 'pkcs1' } as const);
    const opened = SecretBytes.take(
      await ncrypt.decrypt(key, wrapped.encryptedKey, padding, this.#flags),
    );
    if (wrapped.type === 'rsa-pkcs1' && !wrapped.plausibleLengths.includes(opened.length)) {
      opened.dispose();
      throw new KeyStoreError('KEY_UNWRAP_FAILED');
    }
    return opened;
  }

  #customProperties(): CustomProperties {
    const { ncrypt } = this.#parts.keys;
    return {
      get: (name) => this.#onKeptKey(({ handle }) => readCustom(ncrypt, handle, name)),
      set: async (name, value) => {
        const isThere = await this.#onKeptKey(({ handle }) => {
          writeCustom(ncrypt, handle, name, value);
          return true;
        });
        return isThere ?? false;
      },
    };
  }

  /** Works on the key as it lies now, by a handle of its own: what another handle changed, this key's may not see. */
  #onKeptKey<Result>(work: (found: FoundKey) => Result): Promise<Result | undefined> {
    const { keys, nativeName, silent } = this.#parts;
    return keys.withLock(this.#keyName(), async () => {
      const found = keys.openNative(nativeName, this, silent);
      if (!found) return undefined;
      try {
        return equalBytes(found.publicKey, this.publicKey) ? work(found) : undefined;
      } finally {
        keys.ncrypt.freeObject(found.handle);
      }
    });
  }

  #keyName(): KeyName {
    return { name: this.name ?? '', scope: this.scope, legacyKeySpec: this.legacyKeySpec };
  }
}

/** NCryptDeleteKey frees the handle; where it fails, it did not. */
export function deleteNative({ ncrypt }: CngKeys, { handle }: Pick<FoundKey, 'handle'>): void {
  try {
    ncrypt.deleteKey(handle, 0);
  } catch (error) {
    ncrypt.freeObject(handle);
    throw error;
  }
}

/** Windows may refuse to change the policy of a finalized key. Ours, which every use asks, is narrower by then. */
function narrow(set: () => void): void {
  try {
    set();
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
  }
}

function modulusLength(publicKey: Uint8Array): number {
  const key = decodeSpki(publicKey);
  return key.type === 'rsa' ? key.modulus.length : 0;
}

/** Custom properties are properties of the key, one by one. */
const NO_CUSTOM: ReadonlyMap<string, Uint8Array> = new Map();
const MAX_COPIES = 2;
