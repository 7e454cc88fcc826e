/**
 * Opens domain key sections of master key files with a backup key of the domain. Source: [MS-BKRP] sections 3.1.4.1.2.1 (version 1),
 * 3.1.4.1.4 (2 and 3).
 *
 *   1  RC4 under HMAC-SHA1(key, R2); MAC = HMAC-SHA1(HMAC-SHA1(key, R3), SID ‖ Secret)
 *   2  RSA PKCS#1 v1.5 of EncryptedSecret, little-endian; the access check under 3DES
 *   3  RSA OAEP; the access check under AES-256
 */
import { constants, privateDecrypt, type KeyObject } from 'node:crypto';
import { decodePvk } from '../../blobs/pvk.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { reverseBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { unwrapRsaPkcs1 } from '../../keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { loadOpenSslLegacy } from '../../../native-bindings/openssl-legacy.ts';
import { decodeDomainBackupKey } from '../../windows-files/domain-backup-key.ts';
import type {
  ClientWrappedSecret,
  DomainKeySection,
  ServerWrappedSecret,
} from '../../windows-files/domain-key-section.ts';
import { encodeSid } from '../../windows-files/sid.ts';
import {
  decodeServerWrapPayload,
  decodeWrappedMasterKey,
} from '../../windows-files/wrapped-master-key.ts';
import { importLegacyPrivateKey } from '../legacy-key.ts';
import { hmac, isSame } from './dpapi-algorithms.ts';

/** A backup key: value of the LSA secret G$BCKUPKEY_*, PVK that is not encrypted, PRIVATEKEYBLOB, PKCS#8 (DER), or a private KeyObject of RSA. */
export type DomainKeySource = Uint8Array | KeyObject;

/**
 * The master key of a domain key section.
 *
 * @returns 64 bytes, which the caller disposes of.
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) for another key, also one of the wrong kind; PASSWORD_REQUIRED for a PVK
 * that is encrypted; BlobFormatError for a source that is no key; with version 1 MODULE_MISSING where koffi, which RC4 needs, is not there.
 */
export async function openDomainKeySection(
  section: DomainKeySection,
  source: DomainKeySource,
): Promise<SecretBytes> {
  const key = importDomainKey(source);
  const isSymmetric = key instanceof Uint8Array;
  if (section.version === 1) {
    if (!isSymmetric) throw new KeyStoreError('KEY_UNWRAP_FAILED');
    return openServerWrapped(section, key);
  }
  if (isSymmetric) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  using plaintext = section.version === 2 ? openPkcs1(section, key) : openOaep(section, key);
  try {
    return SecretBytes.copy(decodeWrappedMasterKey(plaintext.bytes, section.version).masterKey);
  } catch {
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

/**
 * The symmetric key of version 1, a view, or the RSA key.
 *
 * @throws KeyStoreError PASSWORD_REQUIRED for a PVK that is encrypted; BlobFormatError and what `importLegacyPrivateKey` throws for what is no key.
 */
export function importDomainKey(source: DomainKeySource): Uint8Array | KeyObject {
  if (!(source instanceof Uint8Array)) return importLegacyPrivateKey(source);
  if (source.length < 4) return importLegacyPrivateKey(source);
  const magic = new BlobReader(source, 'domain backup key').u32le('magic');
  if (magic === PVK_MAGIC) return importLegacyPrivateKey(blobOfPvk(source));
  if (magic < 1 || magic > 3) return importLegacyPrivateKey(source);
  const key = decodeDomainBackupKey(source);
  return key.version === 1 ? key.key : importLegacyPrivateKey(key.privateKeyBlob);
}

/** PVK is how tools export the backup key. */
function blobOfPvk(pvk: Uint8Array): Uint8Array {
  const { isEncrypted, keyBlob } = decodePvk(pvk);
  if (!isEncrypted) return keyBlob;
  throw new KeyStoreError('PASSWORD_REQUIRED', 'this PVK is encrypted', {
    hint: 'Open it with openPvk, and give the PRIVATEKEYBLOB.',
  });
}

function openPkcs1(section: ClientWrappedSecret, key: KeyObject): SecretBytes {
  return unwrapRsaPkcs1(key, reverseBytes(section.encryptedSecret), [V2_SECRET_LENGTH]);
}

/** The specification names no hash; CryptDecrypt's own, SHA-1, is tried first; with SHA-512 the secret does not fit a key of 2048 bits. */
function openOaep(section: ClientWrappedSecret, key: KeyObject): SecretBytes {
  const ciphertext = reverseBytes(section.encryptedSecret);
  for (const oaepHash of OAEP_HASHES) {
    try {
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      return SecretBytes.take(privateDecrypt({ key, padding, oaepHash }, ciphertext));
    } catch {
      // The next hash; all fail alike.
    }
  }
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}

async function openServerWrapped(
  section: ServerWrappedSecret,
  key: Uint8Array,
): Promise<SecretBytes> {
  using rc4Key = SecretBytes.take(hmac('sha1', key, section.r2));
  using plaintext = await rc4(rc4Key.bytes, section.encryptedPayload);
  try {
    const { r3, mac, sid, secret } = decodeServerWrapPayload(plaintext.bytes);
    using macKey = SecretBytes.take(hmac('sha1', key, r3));
    const isGenuine = isSame(mac, hmac('sha1', macKey.bytes, encodeSid(sid), secret));
    if (isGenuine && secret.length === section.secretLength) return SecretBytes.copy(secret);
  } catch {
    // One failure for a payload that is none and for one of another key.
  }
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}

/** RC4 with a key of 20 bytes, which no CSP has; its own inverse. */
export async function rc4(key: Uint8Array, input: Uint8Array): Promise<SecretBytes> {
  using cipher = (await loadOpenSslLegacy()).openCipher('RC4', { key, encrypt: false });
  const output = new SecretBytes(input.length + 1);
  try {
    cipher.update(input, output.bytes);
    return SecretBytes.copy(output.bytes.subarray(0, input.length));
  } finally {
    output.dispose();
  }
}

const PVK_MAGIC = 0xb0b5f11e;
/** cbSecret, cbPayloadKey, master key, payload key */
const V2_SECRET_LENGTH = 4 + 4 + 64 + 32;
const OAEP_HASHES = ['sha1', 'sha512', 'sha256'] as const;
