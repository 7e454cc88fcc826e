/** Wrapping a content-encryption key for one recipient: somebody's public key, or a password. */
import { KeyStoreError } from '../errors.ts';
import { decodeSpki } from '../cms/spki.ts';
import { ECC_SHARED_INFO, type RecipientInfo } from '../cms/recipient-info.ts';
import { argon2id } from '../kdf/argon2id.ts';
import { pbkdf2 } from '../kdf/pbkdf2.ts';
import { unwrapAesKey, wrapAesKey } from '../keys/aes-key-wrap.ts';
import { wrapEcdh } from '../keys/ecdh.ts';
import { unwrapPwriKek, wrapPwriKek } from '../keys/pwri-kek.ts';
import { wrapRsaOaep } from '../keys/rsa-oaep.ts';
import { wrapRsaPkcs1 } from '../keys/rsa-pkcs1.ts';
import type { SecretBytes, RandomFill } from '../keys/secret-bytes.ts';
import { parsePublicKey } from '../keys/signature.ts';

/** Whoever holds the private half of this exchange key. */
export interface PublicKeyRecipient {
  readonly type: 'public-key';
  /** SPKI DER: RSA, P-256 or P-384. */
  readonly publicKey: Uint8Array;
  /** Subject key identifier, as the certificate has it. */
  readonly keyId: Uint8Array;
  /** How an RSA key wraps. SHA-1 where the recipient's token or CSP knows no other; PKCS#1 v1.5 where it knows no OAEP. */
  readonly rsa?: 'oaep-sha256' | 'oaep-sha1' | 'pkcs1';
}

/** Whoever knows this password. */
export interface PasswordRecipient {
  readonly type: 'password';
  /** The caller still owns it. */
  readonly password: SecretBytes;
  /** Argon2id, or PBKDF2 with HMAC-SHA-256, which OpenSSL can read. */
  readonly kdf: PasswordKdf;
}

export type PasswordKdf =
  | {
      readonly type: 'argon2id';
      readonly memoryKiB: number;
      readonly iterations: number;
      readonly parallelism: number;
    }
  | { readonly type: 'pbkdf2'; readonly iterations: number };

export type Recipient = PublicKeyRecipient | PasswordRecipient;

/** OWASP's figure for PBKDF2-HMAC-SHA-256. */
export const DEFAULT_PBKDF2 = { type: 'pbkdf2', iterations: 600_000 } as const;
const KEK_LENGTH = 32;
const CONTENT_KEY_LENGTH = 32;
const SALT_LENGTH = 16;

export function wrapForRecipient(
  contentKey: SecretBytes,
  recipient: Recipient,
  random: RandomFill,
): RecipientInfo | Promise<RecipientInfo> {
  return recipient.type === 'password'
    ? wrapForPassword(contentKey, recipient, random)
    : wrapForPublicKey(contentKey, recipient, random);
}

/** @throws KeyStoreError PASSWORD_WRONG. */
export async function unwrapWithPassword(
  info: RecipientInfo,
  password: SecretBytes,
): Promise<SecretBytes> {
  try {
    if (info.type === 'argon2id') {
      using kek = await argon2id(password.bytes, info, KEK_LENGTH);
      return unwrapAesKey(kek.bytes, info.encryptedKey);
    }
    if (info.type === 'pbkdf2') {
      using kek = await pbkdf2(password.bytes, info.salt, info.iterations, KEK_LENGTH);
      const contentKey = unwrapPwriKek(kek.bytes, info.iv, info.encryptedKey);
      if (contentKey.length === CONTENT_KEY_LENGTH) return contentKey;
      // PWRI-KEK has three check bytes and a length of its own: one wrong password in 2^24 gets this far.
      contentKey.dispose();
      throw new KeyStoreError('PASSWORD_WRONG');
    }
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED')
      throw new KeyStoreError('PASSWORD_WRONG');
    throw error;
  }
  throw new KeyStoreError('PARAMETER_INVALID', 'this recipient is not a password');
}

function wrapForPublicKey(
  contentKey: SecretBytes,
  { publicKey, keyId, rsa = 'oaep-sha256' }: PublicKeyRecipient,
  random: RandomFill,
): RecipientInfo {
  const key = decodeSpki(publicKey);
  if (key.type === 'ec') {
    const { ephemeralPublicKey, encryptedKey } = wrapEcdh(key, contentKey, ECC_SHARED_INFO);
    return { type: 'ecdh', keyId, curve: key.curve, ephemeralPublicKey, encryptedKey };
  }
  const parsed = parsePublicKey(publicKey);
  if (rsa === 'pkcs1')
    return { type: 'rsa-pkcs1', keyId, encryptedKey: wrapRsaPkcs1(parsed, contentKey, random) };
  const hash = rsa === 'oaep-sha1' ? 'sha1' : 'sha256';
  return { type: 'rsa-oaep', keyId, hash, encryptedKey: wrapRsaOaep(parsed, hash, contentKey) };
}

async function wrapForPassword(
  contentKey: SecretBytes,
  { password, kdf }: PasswordRecipient,
  random: RandomFill,
): Promise<RecipientInfo> {
  const salt = new Uint8Array(SALT_LENGTH);
  random(salt);
  if (kdf.type === 'argon2id') {
    const { memoryKiB, iterations, parallelism } = kdf;
    using kek = await argon2id(
      password.bytes,
      { salt, memoryKiB, iterations, parallelism },
      KEK_LENGTH,
    );
    return {
      type: 'argon2id',
      salt,
      memoryKiB,
      iterations,
      parallelism,
      encryptedKey: wrapAesKey(kek.bytes, contentKey),
    };
  }
  using kek = await pbkdf2(password.bytes, salt, kdf.iterations, KEK_LENGTH);
  const { iv, wrapped } = wrapPwriKek(kek.bytes, contentKey, random);
  return { type: 'pbkdf2', salt, iterations: kdf.iterations, iv, encryptedKey: wrapped };
}
