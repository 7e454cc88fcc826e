/** CngKey: a handle of a key whose private half a key storage provider holds. */
import { createHash } from 'node:crypto';
import {
  BCRYPT_ECCPRIVATE_BLOB,
  BCRYPT_RSAFULLPRIVATE_BLOB,
} from '../../../native-bindings/bcrypt-constants.ts';
import { NCRYPT_SILENT_FLAG } from '../../../native-bindings/ncrypt-constants.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { ALG_ID } from '../../blobs/alg-id.ts';
import { schemeHash } from '../../cms/algorithms.ts';
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
import type { CustomProperties, StoredKey } from '../rules/key-storage.ts';
import { NativeHandle } from '../windows/native-handle.ts';
import { uniformly } from '../windows/unwrap-failure.ts';
import { unwrapByAgreement } from './cng-agreement.ts';
import type { CngKeeper } from './cng-keeper.ts';
import type { CngKeys } from './cng-keys.ts';

export interface CngKeyParts {
  readonly keys: CngKeys;
  /** The key owns it. */
  readonly handle: Handle;
  /** undefined: ephemeral. */
  readonly keeper: CngKeeper | undefined;
  readonly name: string | null;
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
  readonly #keys: CngKeys;
  readonly #handle: NativeHandle;
  readonly #keeper: CngKeeper | undefined;
  readonly #uniqueName: string;
  /** Of every call that uses the private half. */
  readonly #flags: number;

  constructor(parts: CngKeyParts) {
    const { keys, keeper } = parts;
    this.name = parts.name;
    this.scope = parts.scope;
    this.legacyKeySpec = parts.legacyKeySpec;
    this.algorithm = parts.algorithm;
    this.publicKey = parts.publicKey;
    this.properties = parts.properties;
    this.posture = parts.posture;
    if (keeper) this.custom = keeper;
    this.#keys = keys;
    this.#handle = new NativeHandle(parts.handle, (handle) => keys.ncrypt.freeObject(handle));
    this.#keeper = keeper;
    this.#uniqueName = parts.uniqueName;
    this.#flags = parts.silent ? NCRYPT_SILENT_FLAG : 0;
  }

  unwrap(wrapped: WrappedKey): Promise<SecretBytes> {
    return uniformly(() =>
      this.#handle.use((key) =>
        wrapped.type === 'ecdh-x963'
          ? unwrapByAgreement({ ...this.#agreement, key }, wrapped)
          : this.#decrypt(key, wrapped),
      ),
    );
  }

  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    const { ncrypt } = this.#keys;
    const digest = createHash(schemeHash(scheme)).update(message).digest();
    return this.#handle.use(async (key) => {
      switch (scheme) {
        case 'rsa-pkcs1-sha256':
          return ncrypt.signHash(key, digest, { type: 'pkcs1', hash: 'SHA256' }, this.#flags);
        case 'rsa-pss-sha256': {
          const padding = { type: 'pss', hash: 'SHA256', saltLength: digest.length } as const;
          return ncrypt.signHash(key, digest, padding, this.#flags);
        }
        case 'ecdsa-sha256':
        case 'ecdsa-sha384':
          return ecdsaSignatureToDer(await ncrypt.signHash(key, digest, undefined, this.#flags));
      }
    });
  }

  async exportKey(format: PrivateKeyFormat): Promise<SecretBytes> {
    using blob = SecretBytes.take(await this.#handle.use((key) => this.#exportBlob(key)));
    const pkcs8 = privateKeyFromCngBlob(blob.bytes);
    if (format === 'pkcs8') return pkcs8;
    using _pkcs8 = pkcs8;
    const isSignature = this.legacyKeySpec === 'AT_SIGNATURE';
    return rsaPrivateKeyToBlob(
      pkcs8.bytes,
      isSignature ? ALG_ID.CALG_RSA_SIGN : ALG_ID.CALG_RSA_KEYX,
    );
  }

  async change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined> {
    return this.#keeper?.change(change);
  }

  uniqueName(): string {
    return this.#uniqueName;
  }

  async delete(): Promise<void> {
    await this.#keeper?.delete();
    await this.close();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  get #agreement() {
    const { ncrypt, provider } = this.#keys;
    return { ncrypt, provider, algorithm: this.algorithm, flags: this.#flags };
  }

  async #decrypt(
    key: Handle,
    wrapped: Exclude<WrappedKey, { type: 'ecdh-x963' }>,
  ): Promise<SecretBytes> {
    const { encryptedKey } = wrapped;
    const padding =
      wrapped.type === 'rsa-oaep'
        ? ({ type: 'oaep', hash: wrapped.hash === 'sha1' ? 'SHA1' : 'SHA256' } as const)
        : ({ type: 'pkcs1' } as const);
    const opened = SecretBytes.take(
      await this.#keys.ncrypt.decrypt(key, encryptedKey, padding, this.#flags),
    );
    if (wrapped.type === 'rsa-pkcs1' && !wrapped.plausibleLengths.includes(opened.length)) {
      opened.dispose();
      throw new KeyStoreError('KEY_UNWRAP_FAILED');
    }
    return opened;
  }

  #exportBlob(key: Handle): Uint8Array {
    const type = this.algorithm === 'RSA' ? BCRYPT_RSAFULLPRIVATE_BLOB : BCRYPT_ECCPRIVATE_BLOB;
    try {
      return this.#keys.ncrypt.exportKey(key, type, this.#flags);
    } catch (error) {
      // What Windows answers where its policy, VBS or a token keeps the key.
      if (hasStatus(error, WINDOWS_STATUS.NTE_NOT_SUPPORTED, WINDOWS_STATUS.NTE_PERM))
        throw new KeyStoreError('EXPORT_FORBIDDEN', undefined, { native: error.native! });
      throw error;
    }
  }
}
