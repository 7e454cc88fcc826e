/** SessionKey: an opened session key, and what its record says of it. */
import { createSecretKey, webcrypto, type KeyObject } from 'node:crypto';
import { SecretBytes } from './secret-bytes.ts';

let readSecret: (key: SessionKey) => SecretBytes;

export interface SessionKeyFacts {
  /** Record id: 32 lower-case hex digits. */
  readonly id: string;
  readonly label: string;
  /** ALG_ID (wincrypt.h). */
  readonly algorithm: number;
  readonly effectiveBits: number;
  /** 32 bytes; absent for keys under 128 bits of the classic profile. */
  readonly commitment?: Uint8Array;
  /** After this time the key decrypts only. */
  readonly notAfter?: Date;
  /** True where the record may not be used to encrypt: of unsigned origin, of a retired signer, or from a file's header. */
  readonly decryptOnly: boolean;
}

/**
 * A session key, open.
 *
 * It belongs to the caller, who disposes of it; the bytes are then overwritten and every use throws HANDLE_INVALID (NTE_INVALID_HANDLE).
 * It prints, logs and serializes without its bytes. Raw bytes: `keycask/insecure`.
 *
 * @example
 * ```ts
 * using key = await store.openKey('reports');
 * const cipher = createCipheriv('aes-256-gcm', key.toKeyObject(), nonce);
 * ```
 */
export class SessionKey implements Disposable {
  readonly id: string;
  readonly label: string;
  readonly algorithm: number;
  readonly effectiveBits: number;
  readonly commitment: Uint8Array | undefined;
  readonly notAfter: Date | undefined;
  readonly decryptOnly: boolean;
  readonly #secret: SecretBytes;

  /** @param secret - The session key owns it from now on. */
  constructor(secret: SecretBytes, facts: SessionKeyFacts) {
    this.#secret = secret;
    this.id = facts.id;
    this.label = facts.label;
    this.algorithm = facts.algorithm;
    this.effectiveBits = facts.effectiveBits;
    this.commitment = facts.commitment;
    this.notAfter = facts.notAfter;
    this.decryptOnly = facts.decryptOnly;
  }

  static {
    readSecret = (key) => key.#secret;
  }

  get lengthInBits(): number {
    return this.#secret.length * 8;
  }

  get disposed(): boolean {
    return this.#secret.disposed;
  }

  /** A secret KeyObject for node:crypto. It holds a copy that OpenSSL wipes when the object is collected. */
  toKeyObject(): KeyObject {
    return createSecretKey(this.#secret.bytes);
  }

  /**
   * A non-extractable CryptoKey.
   *
   * @param algorithm - `'AES-GCM'`, `'AES-CBC'`, `'AES-CTR'`, `'AES-KW'`, `'HKDF'`, or `{ name: 'HMAC', hash }`.
   */
  toCryptoKey(
    algorithm: CryptoKeyAlgorithm,
    usages: readonly webcrypto.KeyUsage[],
  ): Promise<webcrypto.CryptoKey> {
    return webcrypto.subtle.importKey(
      'raw',
      this.#secret.bytes as Uint8Array<ArrayBuffer>,
      algorithm,
      false,
      [...usages],
    );
  }

  /** A key with the same bytes and facts, disposed of on its own. */
  duplicate(facts: Partial<SessionKeyFacts> = {}): SessionKey {
    return new SessionKey(SecretBytes.copy(this.#secret.bytes), {
      id: this.id,
      label: this.label,
      algorithm: this.algorithm,
      effectiveBits: this.effectiveBits,
      decryptOnly: this.decryptOnly,
      ...(this.commitment && { commitment: this.commitment }),
      ...(this.notAfter && { notAfter: this.notAfter }),
      ...facts,
    });
  }

  dispose(): void {
    this.#secret.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toJSON(): Record<string, unknown> {
    const { id, label, algorithm, effectiveBits, decryptOnly } = this;
    return { id, label, algorithm, effectiveBits, decryptOnly };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `SessionKey { id: '${this.id}', label: '${this.label}' }`;
  }
}

export type CryptoKeyAlgorithm =
  | 'AES-GCM'
  | 'AES-CBC'
  | 'AES-CTR'
  | 'AES-KW'
  | 'HKDF'
  | { readonly name: 'HMAC'; readonly hash: string };

/** The bytes of a session key, still owned by it. For the rooms of keycask that wrap it or encrypt with it. */
export function sessionKeySecret(key: SessionKey): SecretBytes {
  return readSecret(key);
}
