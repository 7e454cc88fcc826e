/** ProviderKey: a usable key. What its owner may do with it is decided here; the storage does it. */
import { plainBytes } from '../../bytes/octets.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type {
  KeyProperties,
  KeyPropertyName,
  KeyScope,
  KeyUsage,
  LegacyKeySpec,
  PersistedKey,
  PrivateKeyFormat,
  SessionKeyBlob,
} from '../../contracts/provider.ts';
import { ToBeSigned } from '../../contracts/to-be-signed.ts';
import { VerifiedKeyRecord } from '../../contracts/verified-record.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { changeProperty, requireCustomProperty, type StoredProperties } from './key-properties.ts';
import type { KeyStorage, StoredKey } from './key-storage.ts';
import { LIMITS } from './limits.ts';
import type { OpenHandles } from './open-handles.ts';

export interface ProviderKeyParts {
  readonly storage: KeyStorage;
  readonly handles: OpenHandles;
  readonly stored: StoredKey;
  /** Only the handle that made a key may archive it. */
  readonly isOriginal: boolean;
}

export class ProviderKey implements PersistedKey {
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly #storage: KeyStorage;
  readonly #handles: OpenHandles;
  /** undefined once the handle is free. */
  #stored: StoredKey | undefined;
  #closing: Promise<void> | undefined;
  #properties: StoredProperties;
  #mayArchive: boolean;

  constructor({ storage, handles, stored, isOriginal }: ProviderKeyParts) {
    this.name = stored.name;
    this.scope = stored.scope;
    this.legacyKeySpec = stored.legacyKeySpec;
    this.algorithm = stored.algorithm;
    this.publicKey = stored.publicKey;
    this.#storage = storage;
    this.#handles = handles;
    this.#stored = stored;
    this.#properties = stored.properties;
    this.#mayArchive = isOriginal;
    handles.opened(this);
  }

  async unwrap(record: VerifiedKeyRecord, recipient: number): Promise<SecretBytes> {
    const stored = this.#open();
    if (!VerifiedKeyRecord.is(record)) throw invalid('only a verified record can be unwrapped');
    const wrapped = record.wrappedKey(recipient);
    this.#requireUsage('decrypt', 'agree');
    const fits = wrapped.type === 'ecdh-x963' ? 'ECDH' : 'RSA';
    if (!this.algorithm.startsWith(fits))
      throw invalid(`recipient ${recipient} is not for a key of this algorithm`);
    // RFC 8017 sections 7.1.2 and 7.2.2, step 1: what a shorter or longer one does to a CSP is not tried.
    if (wrapped.type !== 'ecdh-x963' && wrapped.encryptedKey.length !== this.#modulusLength)
      throw new KeyStoreError('KEY_UNWRAP_FAILED');
    const { unwraps, oaepHashes } = this.#storage.capabilities;
    const isOffered =
      unwraps.includes(wrapped.type) &&
      (wrapped.type !== 'rsa-oaep' || oaepHashes.includes(wrapped.hash));
    if (!isOffered)
      throw new KeyStoreError(
        'ALGORITHM_UNSUPPORTED',
        `the provider ${this.#storage.name} does not unwrap ${nameOf(wrapped)}`,
      );
    return stored.unwrap(wrapped, record);
  }

  async sign(message: ToBeSigned): Promise<Uint8Array> {
    const stored = this.#open();
    if (!ToBeSigned.is(message)) throw invalid("only keycask's own messages can be signed");
    const { scheme, bytes } = message;
    this.#requireUsage('sign');
    if (!SCHEMES[this.algorithm].includes(scheme))
      throw invalid(`a key of ${this.algorithm} does not sign with ${scheme}`);
    if (!this.#storage.capabilities.signs.includes(scheme))
      throw new KeyStoreError(
        'ALGORITHM_UNSUPPORTED',
        `the provider ${this.#storage.name} does not sign with ${scheme}`,
      );
    if (bytes.length > LIMITS.message)
      throw invalid(`a message to be signed has at most ${LIMITS.message} bytes`);
    return plainBytes(await stored.sign(scheme, bytes));
  }

  async createSessionKeyBlob(lengthInBits: 128 | 192 | 256): Promise<SessionKeyBlob> {
    const stored = this.#open();
    if (!SESSION_KEY_BITS.includes(lengthInBits))
      throw invalid(`an AES session key has ${SESSION_KEY_BITS.join(', ')} bits`);
    if (!stored.createSessionKeyBlob)
      throw new KeyStoreError(
        'NOT_SUPPORTED',
        `the provider ${this.#storage.name} makes no session keys itself`,
      );
    this.#requireUsage('decrypt');
    return stored.createSessionKeyBlob(lengthInBits);
  }

  async getProperty<P extends KeyPropertyName>(property: P): Promise<KeyProperties[P]> {
    return (await this.#read(this.#open(), property)) as KeyProperties[P];
  }

  async setProperty<P extends KeyPropertyName>(
    property: P,
    value: KeyProperties[P],
  ): Promise<void> {
    const stored = this.#open();
    const modified = this.#storage.clock();
    if (stored.custom && property.startsWith('custom:')) {
      const custom = requireCustomProperty(property, value);
      requireThere(await stored.custom.set(custom.name, custom.value));
      this.#properties = { ...this.#properties, modified };
      return;
    }
    const changed = (present: StoredProperties): StoredProperties => ({
      ...changeProperty(present, this, { property, value, isFinalized: true }),
      modified,
    });
    // What this handle knows to be wrong is refused before a storage is asked.
    const mine = changed(this.#properties);
    this.#properties = this.name === null ? mine : requireThere(await stored.change(changed));
  }

  async exportKey(format: PrivateKeyFormat): Promise<SecretBytes> {
    const stored = this.#open();
    if (format !== 'pkcs8' && format !== 'PRIVATEKEYBLOB')
      throw invalid('the format of an export is pkcs8 or PRIVATEKEYBLOB');
    const { plaintextExport, plaintextArchive } = this.#properties.exportPolicy;
    const isArchiving = !plaintextExport && plaintextArchive && this.#mayArchive;
    if (!plaintextExport && !isArchiving) throw new KeyStoreError('EXPORT_FORBIDDEN');
    if (format === 'PRIVATEKEYBLOB' && this.algorithm !== 'RSA')
      throw new KeyStoreError('NOT_SUPPORTED', 'a PRIVATEKEYBLOB holds an RSA key');
    if (!isArchiving) return stored.exportKey(format);
    // Before it is given out: a second call may come meanwhile. What failed may be tried again.
    this.#mayArchive = false;
    try {
      return await stored.exportKey(format);
    } catch (error) {
      this.#mayArchive = true;
      throw error;
    }
  }

  async delete(): Promise<void> {
    const stored = this.#open();
    await stored.delete();
    this.#stored = undefined;
    this.#handles.closed(this);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** No call begins from here on; the provider, which is closed after its keys, waits until the handle is free. */
  async #close(): Promise<void> {
    const stored = this.#stored;
    this.#stored = undefined;
    try {
      await stored?.close();
    } finally {
      this.#handles.closed(this);
    }
  }

  #open(): StoredKey {
    this.#handles.requireOpen();
    if (!this.#stored) throw new KeyStoreError('HANDLE_INVALID');
    return this.#stored;
  }

  /** Bytes; 0 of a key that is not RSA. */
  get #modulusLength(): number {
    const key = decodeSpki(this.publicKey);
    return key.type === 'rsa' ? key.modulus.length : 0;
  }

  #requireUsage(...usages: readonly KeyUsage[]): void {
    if (!usages.some((usage) => this.#properties.keyUsage.includes(usage)))
      throw new KeyStoreError(
        'EXPORT_FORBIDDEN',
        `the key may be used to ${this.#properties.keyUsage.join(', ')} only`,
      );
  }

  async #read(
    stored: StoredKey,
    property: string,
  ): Promise<KeyProperties[KeyPropertyName] | undefined> {
    const { exportPolicy, keyUsage, uiPolicy, modified, custom } = this.#properties;
    if (property.startsWith('custom:')) {
      const name = property.slice('custom:'.length);
      const value = await (stored.custom ?? custom).get(name);
      return value && Uint8Array.from(value);
    }
    switch (property) {
      case 'length':
        return lengthInBits(this.publicKey);
      case 'exportPolicy':
        return { ...exportPolicy };
      case 'keyUsage':
        return [...keyUsage];
      case 'uiPolicy':
        return { ...uiPolicy };
      case 'modified':
        return new Date(modified);
      case 'uniqueName':
        return stored.uniqueName();
      case 'posture':
        return stored.posture(this.#properties);
      default:
        throw new KeyStoreError('NOT_SUPPORTED', 'there is no property of that name');
    }
  }
}

function requireThere<Found>(found: Found | false | undefined): Found {
  if (found === undefined || found === false)
    throw new KeyStoreError('HANDLE_INVALID', 'the key was deleted or replaced meanwhile');
  return found;
}

function nameOf(wrapped: { readonly type: string; readonly hash?: string }): string {
  return wrapped.type === 'rsa-oaep' ? `rsa-oaep with ${wrapped.hash}` : wrapped.type;
}

function lengthInBits(publicKey: Uint8Array): number {
  const key = decodeSpki(publicKey);
  if (key.type === 'rsa') return key.modulusBits;
  return key.curve === 'P-384' ? 384 : 256;
}

function invalid(message: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', message);
}

/** Each curve signs with the hash of its strength (RFC 5758, NIST SP 800-57). */
const SCHEMES: Record<KeyAlgorithm, readonly SignatureScheme[]> = {
  RSA: ['rsa-pkcs1-sha256', 'rsa-pss-sha256'],
  ECDSA_P256: ['ecdsa-sha256'],
  ECDSA_P384: ['ecdsa-sha384'],
  ECDH_P256: [],
  ECDH_P384: [],
};
const SESSION_KEY_BITS: readonly number[] = [128, 192, 256];
