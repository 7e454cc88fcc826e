/**
 * PVK: a private key file of the Authenticode tools (makecert, signcode, pvk2pfx). Source: the tools' files; OpenSSL "pvkfmt.c" reads the same.
 *
 *  off size field      meaning
 *    0    4 magic      0xB0B5F11E
 *    4    4 reserved   0
 *    8    4 keytype    1 AT_KEYEXCHANGE, 2 AT_SIGNATURE
 *   12    4 encrypted  0 or 1
 *   16    4 saltlen    16, or 0 where the key is not encrypted
 *   20    4 keylen
 *   24    s salt
 *    +    n key        PRIVATEKEYBLOB; where the key is encrypted, all behind its BLOBHEADER is RC4 under a key made of salt and password
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import {
  BLOB_HEADER_LENGTH,
  endBlob,
  readAnyBlobHeader,
  type DecodeBlobOptions,
} from './key-blob-header.ts';
import { redacted } from '../bytes/redacted.ts';

/** A private key file. */
export interface Pvk {
  readonly type: 'PVK';
  /** keytype: 1 AT_KEYEXCHANGE, 2 AT_SIGNATURE; other numbers survive. */
  readonly keySpec: number;
  /** Whether the key is encrypted. It is wherever there is a salt, whatever the flag says. */
  readonly isEncrypted: boolean;
  /** encrypted: the flag as it stands. */
  readonly encryptedFlag: 0 | 1;
  /** No bytes where there is none. */
  readonly salt: Uint8Array;
  /** aiKeyAlg of the key's BLOBHEADER, which is never encrypted. */
  readonly algId: number;
  /** The PRIVATEKEYBLOB, for {@link decodeKeyBlob}; where `isEncrypted`, its BLOBHEADER and ciphertext. A secret where it is not. */
  readonly keyBlob: Uint8Array;
}

/**
 * Reads a PVK file: its header and its parts. The key itself is for {@link decodeKeyBlob}, or for who has the password.
 *
 * @returns `salt` is a fresh array; `keyBlob` is a view of `bytes`, which the caller still owns, and wipes.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also for an encrypted key without a salt; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER) for a
 * key blob of another version than 2 or 3.
 * @example
 * ```ts
 * const { isEncrypted, keyBlob } = decodePvk(await readFile('codesign.pvk'));
 * if (!isEncrypted) using key = decodeKeyBlob(keyBlob);
 * ```
 */
export function decodePvk(bytes: Uint8Array, options: DecodeBlobOptions = {}): Pvk {
  const r = new BlobReader(bytes, 'PVK');
  r.expectU32le('magic', PVK_MAGIC);
  r.expectU32le('reserved', 0);
  const keySpec = r.u32le('keytype');
  const encryptedFlag = r.u32leIn('encrypted', { max: 1 }) as 0 | 1;
  const saltLengthAt = r.offset;
  const saltLength = r.u32leIn('saltlen', { max: MAX_SALT });
  if (encryptedFlag === 1 && saltLength === 0)
    r.failAt(saltLengthAt, 'saltlen', 'want a salt where the key is encrypted');
  const keyLength = r.u32leIn('keylen', { min: BLOB_HEADER_LENGTH, max: MAX_KEY });
  const salt = r.bytes('salt', saltLength);
  const header = r.sub('key', keyLength);
  endBlob(r, options);
  const { algId } = readAnyBlobHeader(header, 'PRIVATEKEYBLOB');
  const start = HEADER_LENGTH + saltLength;
  const keyBlob = bytes.subarray(start, start + keyLength);
  const isEncrypted = saltLength > 0;
  const facts = { type: 'PVK', keySpec, isEncrypted, encryptedFlag, algId } as const;
  return redacted({ ...facts, salt: copyBytes(salt), keyBlob }, ['keyBlob']);
}

/**
 * Writes a PVK file.
 *
 * @param pvk - `type`, `isEncrypted` and `algId` are not looked at: salt and key blob say the same.
 * @returns A buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for a salt of over 10,240 or a key of over 102,400 bytes, and for a flag without a salt.
 */
export function encodePvk(
  pvk: Pick<Pvk, 'keySpec' | 'encryptedFlag' | 'salt' | 'keyBlob'>,
): Uint8Array {
  const { keySpec, encryptedFlag, salt, keyBlob } = pvk;
  if (salt.length > MAX_SALT || (encryptedFlag === 1 && salt.length === 0))
    throw new KeyStoreError('PARAMETER_INVALID', `salt: want 1 to ${MAX_SALT} bytes`);
  if (keyBlob.length < BLOB_HEADER_LENGTH || keyBlob.length > MAX_KEY)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `keyBlob: want ${BLOB_HEADER_LENGTH} to ${MAX_KEY} bytes`,
    );
  return new BlobWriter(HEADER_LENGTH + salt.length + keyBlob.length)
    .u32le(PVK_MAGIC)
    .u32le(0)
    .u32le(keySpec)
    .u32le(encryptedFlag)
    .u32le(salt.length)
    .u32le(keyBlob.length)
    .bytes(salt)
    .bytes(keyBlob)
    .finish();
}

const PVK_MAGIC = 0xb0b5f11e;
const HEADER_LENGTH = 24;
/** What OpenSSL accepts, far above any file. */
const MAX_SALT = 10_240;
const MAX_KEY = 102_400;
