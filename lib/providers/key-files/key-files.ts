/** KeyFiles: private keys sealed in a folder, each change a compare-and-set. */
import { createHash, randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { concatBytes, encodeUtf8, equalBytes, toHex } from '../../bytes/octets.ts';
import type { KeyScope } from '../../contracts/provider.ts';
import { BlobFormatError, KeyStoreError } from '../../errors.ts';
import { hkdf } from '../../kdf/hkdf.ts';
import { openAesGcm, sealAesGcm } from '../../keys/aes-gcm.ts';
import { SecretBytes, type RandomFill } from '../../keys/secret-bytes.ts';
import type { BootSecret } from './boot-secret.ts';
import type { KeyName } from '../rules/key-storage.ts';
import type { FactsToWrite, KeyFacts, SealedContent } from './key-facts.ts';
import { associatedData, decodeKeyFile, encodeKeyFile, type DecodedKeyFile } from './key-file.ts';
import { KeyFolder } from './key-folder.ts';
import type { Protector, ProtectorOptions } from './protector.ts';

export interface KeyFilesOptions {
  readonly folder: string;
  /** The only one that files of this folder have. */
  readonly content: SealedContent;
  /** Seals what is written; the first of those that open what is read. */
  readonly protector: Protector;
  readonly otherProtectors: readonly Protector[];
  readonly bootSecret: BootSecret;
  readonly random?: RandomFill;
}

/** What lies under a name now. */
export interface PresentKey {
  readonly generation: number;
  readonly isDeleted: boolean;
}

/** A key file whose seal was opened: its facts are authentic. */
export interface OpenedKeyFile {
  readonly facts: KeyFacts;
  /** The caller owns it. */
  readonly privateKey: SecretBytes;
  readonly protector: Protector;
}

export class KeyFiles {
  readonly #options: KeyFilesOptions;
  readonly #protectors: Protector[];
  /** Seals what is written. */
  #protector: Protector;

  constructor(options: KeyFilesOptions) {
    this.#options = options;
    this.#protectors = [options.protector, ...options.otherProtectors];
    this.#protector = options.protector;
  }

  /** From now on this protector's files can be opened too. */
  alsoOpen(protector: Protector): void {
    if (!this.#protectors.includes(protector)) this.#protectors.push(protector);
  }

  /** What seals what is written now. */
  get protector(): Protector {
    return this.#protector;
  }

  /** From now on this protector seals what is written. */
  sealWith(protector: Protector): void {
    this.alsoOpen(protector);
    this.#protector = protector;
  }

  /** Makes every protector forget what it remembers. */
  lock(): void {
    for (const protector of this.#protectors) protector.lock();
  }

  /** What NCRYPT_UNIQUE_NAME_PROPERTY answers: the key file's name without its generation. */
  uniqueName(name: KeyName): string {
    return stemOf(name);
  }

  /** Makes the secret of this boot if there is none, and names it: what the facts of a per-boot key hold. */
  async bootSecretId(): Promise<Uint8Array> {
    using secret = await this.#options.bootSecret.create();
    return bootSecretId(secret);
  }

  /** What lies under `name`, unopened; undefined where nothing ever did. */
  async present(name: KeyName): Promise<PresentKey | undefined> {
    const current = await this.#folder(name.scope).current(stemOf(name));
    return current && { generation: current.generation, isDeleted: current.bytes === undefined };
  }

  /** @returns undefined where there is no such key. */
  async open(name: KeyName, options: ProtectorOptions = {}): Promise<OpenedKeyFile | undefined> {
    const current = await this.#folder(name.scope).current(stemOf(name));
    if (!current?.bytes) return undefined;
    try {
      const file = this.#decode(current.bytes, stemOf(name), current.generation);
      return await this.#unseal(file, options);
    } catch (error) {
      throw asDamage(error, describe(name));
    }
  }

  /**
   * Seals `privateKey` under fresh keys and makes it the current file of its name.
   *
   * @param wanted - Their generation is the one that is made: the present one + 1.
   * @param privateKey - The caller still owns it.
   * @returns false where somebody else changed the name meanwhile.
   */
  async write(
    wanted: FactsToWrite,
    privateKey: SecretBytes,
    options: ProtectorOptions & { readonly protector?: Protector } = {},
  ): Promise<boolean> {
    const { random = randomFillSync, content } = this.#options;
    const facts = { ...wanted, content };
    using fileKey = SecretBytes.random(32, random);
    const protector = await (options.protector ?? this.#protector).wrap(fileKey, options);
    using key = await this.#sealingKey(fileKey, facts);
    const nonce = new Uint8Array(12);
    random(nonce);
    const aad = associatedData(facts, protector);
    const plaintext = privateKey.bytes;
    const sealed = sealAesGcm({ key: key.bytes, nonce, plaintext, aad });
    const bytes = encodeKeyFile({ facts, protector, nonce, ...sealed });
    return this.#folder(facts.scope).add(stemOf(facts), facts.generation, bytes);
  }

  /**
   * Reads the file, changes its facts and writes it, again if somebody else was faster.
   *
   * @returns undefined where the key of this public key is no longer there.
   * @throws KeyStoreError STORE_CONFLICT where others are always faster.
   */
  async update(
    { publicKey, ...name }: KeyName & { readonly publicKey?: Uint8Array },
    change: (facts: KeyFacts) => KeyFacts,
    options: ProtectorOptions & { readonly protector?: Protector } = {},
  ): Promise<KeyFacts | undefined> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS; attempt++) {
      const opened = await this.open(name, options);
      if (!opened) return undefined;
      using privateKey = opened.privateKey;
      if (publicKey && !equalBytes(opened.facts.publicKey, publicKey)) return undefined;
      const facts = { ...change(opened.facts), generation: opened.facts.generation + 1 };
      if (await this.write(facts, privateKey, { protector: opened.protector, ...options }))
        return facts;
    }
    throw new KeyStoreError('STORE_CONFLICT', 'other processes keep changing this key');
  }

  /** Deletes what lies under a name; with a public key, only if it is of that one. */
  async remove({
    publicKey,
    ...name
  }: KeyName & { readonly publicKey?: Uint8Array }): Promise<void> {
    const folder = this.#folder(name.scope);
    const stem = stemOf(name);
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS; attempt++) {
      const current = await folder.current(stem);
      if (!current?.bytes) return;
      if (publicKey && !mayBe(current.bytes, publicKey)) return;
      if (await folder.add(stem, current.generation + 1, undefined)) return;
    }
    throw new KeyStoreError('STORE_CONFLICT', 'other processes keep changing this key');
  }

  /**
   * What the files of a scope say of themselves, unopened, in the order of their file names.
   *
   * @yields For a file that cannot be read, the reason in place of its facts.
   */
  async *list(scope: KeyScope): AsyncIterable<KeyFacts | KeyStoreError> {
    const folder = this.#folder(scope);
    for (const stem of await folder.stems()) {
      const facts = await this.#currentFacts(folder, stem);
      if (facts) yield facts;
    }
  }

  #folder(scope: KeyScope): KeyFolder {
    return new KeyFolder(join(this.#options.folder, scope));
  }

  /** Reads the file of a name, which has to be of that name, in that generation and form. */
  #decode(bytes: Uint8Array, stem: string, generation: number): DecodedKeyFile {
    const file = decodeKeyFile(bytes);
    const { facts } = file;
    const isIt =
      stemOf(facts) === stem &&
      facts.generation === generation &&
      facts.content === this.#options.content;
    if (!isIt) throw new KeyStoreError('KEY_FILE_DAMAGED', 'the key file is of another key');
    return file;
  }

  async #currentFacts(
    folder: KeyFolder,
    stem: string,
  ): Promise<KeyFacts | KeyStoreError | undefined> {
    try {
      const current = await folder.current(stem);
      return current?.bytes && this.#decode(current.bytes, stem, current.generation).facts;
    } catch (error) {
      const failure = asDamage(error, stem);
      if (KeyStoreError.is(failure)) return failure;
      throw error;
    }
  }

  async #unseal(file: DecodedKeyFile, options: ProtectorOptions): Promise<OpenedKeyFile> {
    const { protector, ...opened } = await this.#fileKey(file, options);
    using fileKey = opened.fileKey;
    using key = await this.#sealingKey(fileKey, file.facts);
    const { nonce, ciphertext, tag, associatedData: aad } = file;
    const privateKey = openAesGcm({ key: key.bytes, nonce, ciphertext, tag, aad });
    return { facts: file.facts, privateKey, protector };
  }

  /** Tries the protectors that have the file's kind; the last one's failure is told. */
  async #fileKey(
    { facts, protector: sealed }: DecodedKeyFile,
    options: ProtectorOptions,
  ): Promise<{ fileKey: SecretBytes; protector: Protector }> {
    // Before anybody is asked for a passphrase.
    if (facts.bootSecretId) (await this.#presentBootSecret(facts.bootSecretId)).dispose();
    let failure: unknown = new KeyStoreError(
      'PROTECTOR_UNAVAILABLE',
      `the key is sealed under ${sealed.name}, which was not given`,
    );
    for (const protector of this.#protectors) {
      if (protector.name !== sealed.name) continue;
      try {
        return { fileKey: await protector.unwrap(sealed, options), protector };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** The AES key of the seal. A per-boot key needs the secret of its boot as well: HKDF is safe while either is unknown. */
  async #sealingKey(fileKey: SecretBytes, { bootSecretId: id }: KeyFacts): Promise<SecretBytes> {
    if (!id) return hkdf('sha256', fileKey.bytes, NO_SALT, SEAL_INFO, 32);
    using bootSecret = await this.#presentBootSecret(id);
    return hkdf('sha256', fileKey.bytes, bootSecret.bytes, SEAL_INFO, 32);
  }

  async #presentBootSecret(id: Uint8Array): Promise<SecretBytes> {
    let found: SecretBytes | undefined;
    for (const secret of await this.#options.bootSecret.present())
      if (!found && equalBytes(bootSecretId(secret), id)) found = secret;
      else secret.dispose();
    if (!found) throw new KeyStoreError('KEY_PER_BOOT_GONE');
    return found;
  }
}

/** Names a boot's secret without telling it. */
function bootSecretId(secret: SecretBytes): Uint8Array {
  using id = hkdf('sha256', secret.bytes, NO_SALT, BOOT_ID_INFO, 16);
  return Uint8Array.from(id.bytes);
}

/** 160 bits of SHA-256 over scope, spec and name; none of the first two contains a zero byte. */
function stemOf({ scope, legacyKeySpec, name }: KeyName): string {
  const named = concatBytes(encodeUtf8(`${scope}\0${legacyKeySpec}\0`), encodeUtf8(name));
  return toHex(createHash('sha256').update(named).digest().subarray(0, 20));
}

function describe({ scope, legacyKeySpec, name }: KeyName): string {
  return `${scope} key '${name}' (${legacyKeySpec})`;
}

/** A file that cannot be read any more may be deleted under its name. */
function mayBe(bytes: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return equalBytes(decodeKeyFile(bytes).facts.publicKey, publicKey);
  } catch {
    return true;
  }
}

/** What is malformed in a key file, or does not open, is damage of that file. */
function asDamage(error: unknown, place: string): unknown {
  if (!KeyStoreError.is(error) || error.code === 'BLOB_VERSION_UNSUPPORTED') return error;
  if (error instanceof BlobFormatError) {
    const { format, field, offset, problem } = error;
    return new BlobFormatError({ format, field, offset, problem }, 'KEY_FILE_DAMAGED');
  }
  return error.code === 'KEY_UNWRAP_FAILED'
    ? new KeyStoreError('KEY_FILE_DAMAGED', `${place}: the key file was changed`)
    : error;
}

const NO_SALT = new Uint8Array(0);
const SEAL_INFO = encodeUtf8('keycask key file v1');
const BOOT_ID_INFO = encodeUtf8('keycask boot secret id v1');
const UPDATE_ATTEMPTS = 20;
