/** SoftwareKey: a usable key whose private half OpenSSL holds in this process, parsed once. */
import type { KeyObject } from 'node:crypto';
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
} from '../../contracts/provider.ts';
import { ToBeSigned } from '../../contracts/to-be-signed.ts';
import { VerifiedKeyRecord } from '../../contracts/verified-record.ts';
import { KeyStoreError } from '../../errors.ts';
import { EcdhPrivateKey, unwrapEcdh } from '../../keys/ecdh.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import { unwrapRsaOaep } from '../../keys/rsa-oaep.ts';
import { unwrapRsaPkcs1 } from '../../keys/rsa-pkcs1.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { signMessage } from '../../keys/signature.ts';
import type { KeyFacts, StoredProperties } from '../key-files/key-facts.ts';
import type { KeyFiles } from '../key-files/key-files.ts';
import type { KeyHost } from './key-host.ts';
import { exportPkcs8 } from '../rules/private-key.ts';
import { changeProperty } from '../rules/key-properties.ts';
import { LIMITS } from '../rules/limits.ts';
import { postureOf } from './posture.ts';
import type { Protector } from '../key-files/protector.ts';
import { exportPrivateKeyBlob } from './rsa-key-blob.ts';

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
  /** Only the handle that made a key may archive it. */
  readonly isOriginal: boolean;
  /** NCRYPT_SILENT_FLAG, for as long as the handle lives. */
  readonly silent: boolean;
}

export class SoftwareKey implements PersistedKey {
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly #host: KeyHost;
  readonly #facts: Omit<SoftwareKeyParts, 'privateKey'>;
  #properties: StoredProperties;
  #mayArchive: boolean;
  /** undefined once the handle is free. */
  #privateKey: KeyObject | undefined;
  #ecdh: EcdhPrivateKey | undefined;

  constructor(host: KeyHost, { privateKey, ...facts }: SoftwareKeyParts) {
    this.name = facts.name;
    this.scope = facts.scope;
    this.legacyKeySpec = facts.legacyKeySpec;
    this.algorithm = facts.algorithm;
    this.publicKey = facts.publicKey;
    this.#host = host;
    this.#facts = facts;
    this.#properties = facts.properties;
    this.#mayArchive = facts.isOriginal;
    this.#privateKey = privateKey;
    if (facts.algorithm.startsWith('ECDH')) this.#ecdh = EcdhPrivateKey.from(privateKey);
    host.opened(this);
  }

  async unwrap(record: VerifiedKeyRecord, recipient: number): Promise<SecretBytes> {
    const privateKey = this.#open();
    if (!VerifiedKeyRecord.is(record)) throw invalid('only a verified record can be unwrapped');
    const wrapped = record.wrappedKey(recipient);
    this.#requireUsage('decrypt', 'agree');
    if (wrapped.type === 'ecdh-x963') {
      if (!this.#ecdh) throw invalid(`recipient ${recipient} is not for a key of this algorithm`);
      return unwrapEcdh(this.#ecdh, wrapped);
    }
    if (this.algorithm !== 'RSA')
      throw invalid(`recipient ${recipient} is not for a key of this algorithm`);
    return wrapped.type === 'rsa-oaep'
      ? unwrapRsaOaep(privateKey, wrapped.hash, wrapped.encryptedKey)
      : unwrapRsaPkcs1(privateKey, wrapped.encryptedKey, wrapped.plausibleLengths);
  }

  async sign(message: ToBeSigned): Promise<Uint8Array> {
    const privateKey = this.#open();
    if (!ToBeSigned.is(message)) throw invalid("only keycask's own messages can be signed");
    const { scheme, bytes } = message;
    this.#requireUsage('sign');
    if (!SCHEMES[this.algorithm].includes(scheme))
      throw invalid(`a key of ${this.algorithm} does not sign with ${scheme}`);
    if (bytes.length > LIMITS.message)
      throw invalid(`a message to be signed has at most ${LIMITS.message} bytes`);
    return plainBytes(await signMessage(privateKey, scheme, bytes));
  }

  async getProperty<P extends KeyPropertyName>(property: P): Promise<KeyProperties[P]> {
    this.#open();
    return this.#read(property) as KeyProperties[P];
  }

  async setProperty<P extends KeyPropertyName>(
    property: P,
    value: KeyProperties[P],
  ): Promise<void> {
    this.#open();
    const changed = (present: StoredProperties): StoredProperties => ({
      ...changeProperty(present, this, { property, value, isFinalized: true }),
      modified: this.#host.clock(),
    });
    // What this handle knows to be wrong is refused before a file is read.
    const mine = changed(this.#properties);
    this.#properties = this.name === null ? mine : await this.#change(this.name, changed);
  }

  async exportKey(format: PrivateKeyFormat): Promise<SecretBytes> {
    const privateKey = this.#open();
    if (format !== 'pkcs8' && format !== 'PRIVATEKEYBLOB')
      throw invalid('the format of an export is pkcs8 or PRIVATEKEYBLOB');
    const { plaintextExport, plaintextArchive } = this.#properties.exportPolicy;
    const isArchiving = !plaintextExport && plaintextArchive && this.#mayArchive;
    if (!plaintextExport && !isArchiving) throw new KeyStoreError('EXPORT_FORBIDDEN');
    const exported =
      format === 'pkcs8'
        ? exportPkcs8(privateKey)
        : exportPrivateKeyBlob(privateKey, this.legacyKeySpec);
    if (isArchiving) this.#mayArchive = false;
    return exported;
  }

  async delete(): Promise<void> {
    this.#open();
    const { files, legacyFiles } = this.#host.places ?? {};
    if (this.name !== null) {
      const key = { ...this.#keyName(this.name), publicKey: this.publicKey };
      // The key's own file goes last: until then the key is there, and deleting can be tried again.
      await legacyFiles?.remove(key);
      await files?.remove(key);
    }
    await this.close();
  }

  close(): Promise<void> {
    this.#privateKey = undefined;
    this.#ecdh = undefined;
    this.#host.closed(this);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): KeyObject {
    this.#host.requireOpen();
    if (!this.#privateKey) throw new KeyStoreError('HANDLE_INVALID');
    return this.#privateKey;
  }

  #requireUsage(...usages: readonly KeyUsage[]): void {
    if (!usages.some((usage) => this.#properties.keyUsage.includes(usage)))
      throw new KeyStoreError(
        'EXPORT_FORBIDDEN',
        `the key may be used to ${this.#properties.keyUsage.join(', ')} only`,
      );
  }

  /** Changes the properties wherever the key lies. */
  async #change(
    name: string,
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties> {
    const { files, legacyFiles } = this.#host.places ?? {};
    const changeIn = (place: KeyFiles | undefined): Promise<KeyFacts | undefined> | undefined =>
      place?.update(
        { ...this.#keyName(name), publicKey: this.publicKey },
        (facts) => ({ ...facts, properties: change(facts.properties) }),
        { silent: this.#facts.silent },
      );
    const legacy = this.algorithm === 'RSA' ? await changeIn(legacyFiles) : undefined;
    const facts = (await changeIn(files)) ?? legacy;
    if (!facts)
      throw new KeyStoreError('HANDLE_INVALID', 'the key was deleted or replaced meanwhile');
    return facts.properties;
  }

  #read(property: string): KeyProperties[KeyPropertyName] {
    const { exportPolicy, keyUsage, uiPolicy, modified, custom } = this.#properties;
    if (property.startsWith('custom:')) {
      const value = custom.get(property.slice('custom:'.length));
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
        return this.name === null
          ? ''
          : (this.#host.places?.files.uniqueName(this.#keyName(this.name)) ?? '');
      case 'posture':
        return postureOf({
          protector: this.#facts.protector,
          properties: this.#properties,
          publicKey: this.publicKey,
          perBoot: this.#facts.perBoot,
          inLegacyStore: this.#facts.inLegacyStore,
        });
      default:
        throw new KeyStoreError('NOT_SUPPORTED', 'there is no property of that name');
    }
  }

  #keyName(name: string): { name: string; scope: KeyScope; legacyKeySpec: LegacyKeySpec } {
    return { name, scope: this.scope, legacyKeySpec: this.legacyKeySpec };
  }
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
