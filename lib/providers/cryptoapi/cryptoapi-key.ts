/** CryptoApiKey: a handle of a key pair in a CSP, with a context of its own. */
import type { Advapi32 } from '../../../native-bindings/advapi32.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import {
  CRYPT_EXPORTABLE,
  CRYPT_OAEP,
  PLAINTEXTKEYBLOB,
  PRIVATEKEYBLOB,
  SIMPLEBLOB,
} from '../../../native-bindings/wincrypt.ts';
import { ALG_ID } from '../../blobs/alg-id.ts';
import { decodePlaintextKeyBlob } from '../../blobs/plaintext-key-blob.ts';
import { reverseBytes } from '../../bytes/octets.ts';
import type {
  KeyScope,
  LegacyKeySpec,
  Posture,
  PrivateKeyFormat,
  SessionKeyBlob,
} from '../../contracts/provider.ts';
import type { VerifiedKeyRecord } from '../../contracts/verified-record.ts';
import type { WrappedKey } from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import type { SignatureScheme } from '../../keys/key-algorithms.ts';
import { rsaPrivateKeyFromBlob } from '../../keys/rsa-key-blob.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { StoredKey } from '../rules/key-storage.ts';
import { NativeHandle } from '../windows/native-handle.ts';
import { uniformly } from '../windows/unwrap-failure.ts';
import type { Slot } from './container-slots.ts';
import type { KeyKeeper } from './key-keeper.ts';

export interface CryptoApiKeyParts {
  readonly api: Advapi32;
  /** The key owns it. */
  readonly context: Handle;
  readonly slot: Slot;
  readonly keeper: KeyKeeper;
  /** null: ephemeral. */
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  readonly uniqueName: string;
  readonly posture: (properties: StoredProperties) => Posture;
  /** Can the CSP make AES keys? */
  readonly makesSessionKeys: boolean;
  /** PRIVATEKEYBLOB of a key that may be archived once. The key owns it. */
  readonly archive?: SecretBytes | undefined;
}

export class CryptoApiKey implements StoredKey {
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm = 'RSA';
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  readonly posture: (properties: StoredProperties) => Posture;
  readonly createSessionKeyBlob?: (lengthInBits: 128 | 192 | 256) => Promise<SessionKeyBlob>;
  readonly #parts: CryptoApiKeyParts;
  readonly #context: NativeHandle;
  /** Of the pair in the context; freed with it. */
  readonly #pair: Handle;
  #archive: SecretBytes | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: CryptoApiKeyParts) {
    this.name = parts.name;
    this.scope = parts.scope;
    this.legacyKeySpec = parts.legacyKeySpec;
    this.publicKey = parts.publicKey;
    this.properties = parts.properties;
    this.posture = parts.posture;
    this.#parts = parts;
    this.#archive = parts.archive;
    this.#pair = parts.api.cryptGetUserKey(parts.context, parts.slot);
    // Taken back and released by the keeper.
    this.#context = new NativeHandle(parts.context, () => undefined);
    if (parts.makesSessionKeys)
      this.createSessionKeyBlob = (lengthInBits) => this.#makeSessionKey(lengthInBits);
  }

  unwrap(wrapped: WrappedKey, record: VerifiedKeyRecord): Promise<SecretBytes> {
    const { simpleBlob } = record.parts;
    return this.#context.use((context) =>
      uniformly(() => {
        if (wrapped.type === 'ecdh-x963') throw new KeyStoreError('KEY_UNWRAP_FAILED');
        if (wrapped.type === 'rsa-oaep') return this.#decrypt(wrapped.encryptedKey, CRYPT_OAEP);
        const unwrapped = simpleBlob
          ? this.#importSessionKey(context, simpleBlob)
          : this.#decrypt(wrapped.encryptedKey, 0);
        return withLength(unwrapped, wrapped.plausibleLengths);
      }),
    );
  }

  /** The only scheme that a CSP has is PKCS#1 v1.5. */
  sign(_scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    const { api, slot } = this.#parts;
    return this.#context.use(async (context) => {
      const hash = api.cryptCreateHash(context, ALG_ID.CALG_SHA_256);
      try {
        api.cryptHashData(hash, message);
        return (await api.cryptSignHash(hash, slot, 0)).reverse();
      } finally {
        api.cryptDestroyHash(hash);
      }
    });
  }

  async exportKey(format: PrivateKeyFormat): Promise<SecretBytes> {
    const exported = await this.#context.use(() => this.#exportAs(format));
    // An archive is given out once.
    this.#archive?.dispose();
    this.#archive = undefined;
    return exported;
  }

  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined> {
    return this.#parts.keeper.change(change);
  }

  uniqueName(): string {
    return this.#parts.uniqueName;
  }

  async delete(): Promise<void> {
    await this.#parts.keeper.delete();
    await this.close();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#free());
  }

  async #free(): Promise<void> {
    const context = await this.#context.release();
    this.#archive?.dispose();
    this.#archive = undefined;
    this.#parts.api.cryptDestroyKey(this.#pair);
    await this.#parts.keeper.release(context);
  }

  /** RSADP and unpadding by the CSP. */
  async #decrypt(encryptedKey: Uint8Array, flags: number): Promise<SecretBytes> {
    const { api } = this.#parts;
    return SecretBytes.take(await api.cryptDecrypt(this.#pair, reverseBytes(encryptedKey), flags));
  }

  /** The way that "Storing a session key" describes: CryptImportKey of the blob as it was stored. */
  async #importSessionKey(context: Handle, simpleBlob: Uint8Array): Promise<SecretBytes> {
    const { api } = this.#parts;
    const key = await api.cryptImportKey(context, simpleBlob, this.#pair, CRYPT_EXPORTABLE);
    try {
      return this.#readSessionKey(key);
    } finally {
      api.cryptDestroyKey(key);
    }
  }

  #makeSessionKey(lengthInBits: 128 | 192 | 256): Promise<SessionKeyBlob> {
    const { api } = this.#parts;
    return this.#context.use(async (context) => {
      const algId = AES_ALG_ID[lengthInBits];
      const key = await api.cryptGenKey(context, algId, (lengthInBits << 16) | CRYPT_EXPORTABLE);
      try {
        const simpleBlob = api.cryptExportKey(key, this.#pair, SIMPLEBLOB, 0);
        return { simpleBlob, sessionKey: this.#readSessionKey(key) };
      } finally {
        api.cryptDestroyKey(key);
      }
    });
  }

  #readSessionKey(key: Handle): SecretBytes {
    using blob = SecretBytes.take(this.#parts.api.cryptExportKey(key, 0n, PLAINTEXTKEYBLOB, 0));
    return SecretBytes.copy(decodePlaintextKeyBlob(blob.bytes).key);
  }

  #exportAs(format: PrivateKeyFormat): SecretBytes {
    const { api } = this.#parts;
    const blob = this.#archive
      ? SecretBytes.copy(this.#archive.bytes)
      : SecretBytes.take(api.cryptExportKey(this.#pair, 0n, PRIVATEKEYBLOB, 0));
    if (format === 'PRIVATEKEYBLOB') return blob;
    using owned = blob;
    return rsaPrivateKeyFromBlob(owned.bytes);
  }
}

async function withLength(
  unwrapping: Promise<SecretBytes>,
  plausibleLengths: readonly number[],
): Promise<SecretBytes> {
  const key = await unwrapping;
  if (plausibleLengths.includes(key.length)) return key;
  key.dispose();
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}

const AES_ALG_ID = {
  128: ALG_ID.CALG_AES_128,
  192: ALG_ID.CALG_AES_192,
  256: ALG_ID.CALG_AES_256,
} as const;
