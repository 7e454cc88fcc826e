/**
 * The public key of a strong name, as .NET assemblies carry it and `sn -p` writes it. Source: strongname.h (PublicKeyBlob); ECMA-335 II.6.2.1.3.
 *
 *  off size field        meaning
 *    0    4 SigAlgID     CALG_RSA_SIGN
 *    4    4 HashAlgID    CALG_SHA1; newer ones for enhanced strong names
 *    8    4 cbPublicKey
 *   12    n PublicKey    PUBLICKEYBLOB of RSA
 *
 * ECMA's own key names no key: both algorithms 0, and a PublicKey of four zeros. A key pair file (.snk) has no such header: it is a
 * PRIVATEKEYBLOB.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { endBlob, type DecodeBlobOptions } from './key-blob-header.ts';
import { decodePublicKeyBlob, encodePublicKeyBlob, type PublicKeyBlob } from './public-key-blob.ts';
import { MAX_RSA_BITS, MIN_RSA_BITS, wholeLength } from './rsa-bounds.ts';
import { KeyStoreError } from '../errors.ts';

/** The public key of a strong name. */
export interface StrongNamePublicKey {
  readonly type: 'strong-name-public-key';
  /** SigAlgID: CALG_RSA_SIGN; 0 in ECMA's own. */
  readonly signatureAlgId: number;
  /** HashAlgID: CALG_SHA1 in most; 0 in ECMA's own. */
  readonly hashAlgId: number;
  /** The key. Absent in ECMA's own, which stands for whatever key the platform's maker has. */
  readonly publicKey?: PublicKeyBlob;
}

/**
 * Reads the public key of a strong name.
 *
 * @returns Fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER) for a PUBLICKEYBLOB of another version than 2.
 */
export function decodeStrongNamePublicKey(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): StrongNamePublicKey {
  const r = new BlobReader(bytes, 'PublicKeyBlob');
  const signatureAlgId = r.u32le('SigAlgID');
  const hashAlgId = r.u32le('HashAlgID');
  const type = 'strong-name-public-key' as const;
  if (signatureAlgId === 0 && hashAlgId === 0) {
    r.expectU32le('cbPublicKey', ECMA_LENGTH);
    r.expectU32le('PublicKey', 0);
    endBlob(r, options);
    return { type, signatureAlgId, hashAlgId };
  }
  const length = r.u32leIn('cbPublicKey', { min: MIN_LENGTH, max: MAX_LENGTH });
  const blob = r.bytes('PublicKey', length);
  endBlob(r, options);
  return { type, signatureAlgId, hashAlgId, publicKey: decodePublicKeyBlob(blob) };
}

/**
 * Writes the public key of a strong name.
 *
 * @param key - `type` may be left out. Without a `publicKey` both algorithms are 0.
 * @returns 12 bytes more than the PUBLICKEYBLOB; a fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID where one of key and algorithms is there without the other, and as {@link encodePublicKeyBlob} does.
 */
export function encodeStrongNamePublicKey(key: Omit<StrongNamePublicKey, 'type'>): Uint8Array {
  const { signatureAlgId, hashAlgId, publicKey } = key;
  if ((publicKey === undefined) !== (signatureAlgId === 0 && hashAlgId === 0))
    throw new KeyStoreError('PARAMETER_INVALID', 'publicKey: want it with its algorithms');
  const blob = publicKey ? encodePublicKeyBlob(publicKey) : new Uint8Array(ECMA_LENGTH);
  return new BlobWriter(HEADER_LENGTH + blob.length)
    .u32le(signatureAlgId)
    .u32le(hashAlgId)
    .u32le(blob.length)
    .bytes(blob)
    .finish();
}

const HEADER_LENGTH = 12;
/** Bytes of what stands for a key in ECMA's own. */
const ECMA_LENGTH = 4;
const MIN_LENGTH = 20 + wholeLength(MIN_RSA_BITS);
const MAX_LENGTH = 20 + wholeLength(MAX_RSA_BITS);
