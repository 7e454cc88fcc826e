/** The class VerifiedKeyRecord and the one way to make one. The layer check lets only `records/verify.ts` import this file, and `verified-record.ts` for the type. */
import type { KeyMetadata } from '../cms/metadata.ts';
import { ECC_SHARED_INFO, type RecipientInfo } from '../cms/recipient-info.ts';
import type { Signer } from '../cms/signed-data.ts';
import { KeyStoreError } from '../errors.ts';
import type { WrappedKey } from './wrapped-key.ts';

/**
 * How far the signer is trusted.
 * - `pinned`: in trust.cms, or named by the caller.
 * - `retired`: was pinned, and is accepted for what was signed before it was retired.
 * - `password`: not pinned; only a password recipient may be opened, and `bind` then shows that whoever signed knew the key.
 */
export type SignerTrust = 'pinned' | 'retired' | 'password';

/** The sealed content of an envelope record. */
export interface SealedContent {
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

export interface VerifiedRecordParts {
  /** The whole record, as it was read. */
  readonly bytes: Uint8Array;
  readonly metadata: KeyMetadata;
  /** DER of the metadata as it was signed. */
  readonly metadataDer: Uint8Array;
  readonly signer: Signer;
  readonly trust: SignerTrust;
  readonly signingTime: Date;
  /** `envelope`: AuthEnvelopedData. `classic`: a SIMPLEBLOB, one recipient. */
  readonly profile: 'envelope' | 'classic';
  readonly recipients: readonly RecipientInfo[];
  /** Of an envelope record. */
  readonly sealed?: SealedContent;
  /** The SIMPLEBLOB of a classic record, byte for byte. */
  readonly simpleBlob?: Uint8Array;
  /** Lengths in bytes that the session key of a classic record may have. */
  readonly plausibleLengths?: readonly number[];
}

let mint: (parts: VerifiedRecordParts) => VerifiedKeyRecord;

/** A key record whose signer is trusted, whose form is canonical and whose signature fits. */
export class VerifiedKeyRecord {
  readonly #brand = true;
  readonly parts: VerifiedRecordParts;

  private constructor(parts: VerifiedRecordParts) {
    this.parts = parts;
  }

  static {
    mint = (parts) => new VerifiedKeyRecord(parts);
  }

  /** Is it one of ours, and not an object of the same shape? */
  static is(value: unknown): value is VerifiedKeyRecord {
    return typeof value === 'object' && value !== null && #brand in value;
  }

  get metadata(): KeyMetadata {
    return this.parts.metadata;
  }

  get recipients(): readonly RecipientInfo[] {
    return this.parts.recipients;
  }

  /**
   * What a private key has to open for one recipient.
   *
   * @throws KeyStoreError PARAMETER_INVALID where there is no such recipient or it is a password, NO_RECIPIENT where the signer is trusted for password recipients only.
   */
  wrappedKey(recipient: number): WrappedKey {
    const info = this.parts.recipients[recipient];
    if (!info)
      throw new KeyStoreError(
        'PARAMETER_INVALID',
        `the record has ${this.parts.recipients.length} recipients`,
      );
    if (this.parts.trust === 'password')
      throw new KeyStoreError(
        'NO_RECIPIENT',
        'the signer is not trusted: only a password can open this record',
      );
    return toWrappedKey(info, this.parts.plausibleLengths ?? [CONTENT_KEY_LENGTH]);
  }
}

/** Length of an AES-256 content-encryption key. */
const CONTENT_KEY_LENGTH = 32;

function toWrappedKey(info: RecipientInfo, plausibleLengths: readonly number[]): WrappedKey {
  switch (info.type) {
    case 'rsa-oaep':
      return { type: 'rsa-oaep', hash: info.hash, encryptedKey: info.encryptedKey };
    case 'rsa-pkcs1':
      return { type: 'rsa-pkcs1', encryptedKey: info.encryptedKey, plausibleLengths };
    case 'ecdh':
      return {
        type: 'ecdh-x963',
        hash: info.curve === 'P-384' ? 'sha384' : 'sha256',
        ephemeralPublicKey: info.ephemeralPublicKey,
        sharedInfo: ECC_SHARED_INFO,
        wrap: 'aes-256-kw',
        encryptedKey: info.encryptedKey,
      };
    case 'argon2id':
    case 'pbkdf2':
      throw new KeyStoreError('PARAMETER_INVALID', 'this recipient is a password');
  }
}

export const mintVerifiedKeyRecord = (parts: VerifiedRecordParts): VerifiedKeyRecord => mint(parts);
