/** decodeKeyBlob, encodeKeyBlob: every CryptExportKey blob, as one union. */
import { BlobReader } from '../bytes/blob-reader.ts';
import {
  decodeAgreedSimpleBlob,
  encodeAgreedSimpleBlob,
  type AgreedSimpleBlob,
} from './agreed-simple-blob.ts';
import { ALG_ID, isDh, isDss, isRsa } from './alg-id.ts';
import {
  decodeDhPrivateKeyBlob,
  decodeDhPublicKeyBlob,
  encodeDhPrivateKeyBlob,
  encodeDhPublicKeyBlob,
  type DhPrivateKeyBlob,
  type DhPublicKeyBlob,
} from './dh-key-blob.ts';
import {
  decodeDssPrivateKeyBlob,
  decodeDssPublicKeyBlob,
  encodeDssPrivateKeyBlob,
  encodeDssPublicKeyBlob,
  type DssPrivateKeyBlob,
  type DssPublicKeyBlob,
} from './dss-key-blob.ts';
import {
  decodeEncryptedPrivateKeyBlob,
  encodeEncryptedPrivateKeyBlob,
  looksEncrypted,
  type EncryptedPrivateKeyBlob,
} from './encrypted-private-key-blob.ts';
import { BLOB_TYPE, BLOB_VERSION_3 } from './key-blob-header.ts';
import { decodeOpaqueKeyBlob, encodeOpaqueKeyBlob, type OpaqueKeyBlob } from './opaque-blob.ts';
import {
  decodePlaintextKeyBlob,
  encodePlaintextKeyBlob,
  type PlaintextKeyBlob,
} from './plaintext-key-blob.ts';
import {
  decodePrivateKeyBlob,
  encodePrivateKeyBlob,
  type DecodePrivateKeyBlobOptions,
  type PrivateKeyBlob,
} from './private-key-blob.ts';
import { decodePublicKeyBlob, encodePublicKeyBlob, type PublicKeyBlob } from './public-key-blob.ts';
import {
  decodeSimpleBlob,
  encodeSimpleBlob,
  type DecodeSimpleBlobOptions,
  type SimpleBlob,
} from './simple-blob.ts';
import {
  decodeSymmetricWrapKeyBlob,
  encodeSymmetricWrapKeyBlob,
  type SymmetricWrapKeyBlob,
} from './symmetric-wrap-key-blob.ts';
import {
  decodeVer3PrivateKeyBlob,
  decodeVer3PublicKeyBlob,
  encodeVer3PrivateKeyBlob,
  encodeVer3PublicKeyBlob,
  type Ver3PrivateKeyBlob,
  type Ver3PublicKeyBlob,
} from './ver3-key-blob.ts';

/** Any CryptExportKey blob. Switch on `type`: a type of wincrypt.h is its RSA layout, or its only one. */
export type KeyBlob =
  | SimpleBlob
  | AgreedSimpleBlob
  | PublicKeyBlob
  | DssPublicKeyBlob
  | DhPublicKeyBlob
  | Ver3PublicKeyBlob
  | PrivateKeyBlob
  | DssPrivateKeyBlob
  | DhPrivateKeyBlob
  | Ver3PrivateKeyBlob
  | EncryptedPrivateKeyBlob
  | PlaintextKeyBlob
  | SymmetricWrapKeyBlob
  | OpaqueKeyBlob;

/** How to read a blob of any type; each type takes what concerns it. */
export type DecodeKeyBlobOptions = DecodeSimpleBlobOptions & DecodePrivateKeyBlobOptions;

/**
 * Reads a CryptExportKey blob of any type.
 *
 * A PRIVATEKEYBLOB comes back as `encrypted-PRIVATEKEYBLOB` where no magic stands in the place of the magic and nothing else speaks for a
 * damaged blob in the clear. Types whose inside is not public (OPAQUEKEYBLOB, PUBLICKEYBLOBEX, KEYSTATEBLOB), and keys of algorithms that
 * have no layout, come back as `opaque`, with their bytes. Without options, `encodeKeyBlob(decodeKeyBlob(b))` is `b`.
 *
 * @returns Private keys in one buffer of their own, which disposing of the result wipes; plaintext keys and opaque content as views of `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * const blob = decodeKeyBlob(bytes);
 * if (blob.type === 'SIMPLEBLOB') console.log(describeAlgId(blob.algId));
 * ```
 */
export function decodeKeyBlob(bytes: Uint8Array, options: DecodeKeyBlobOptions = {}): KeyBlob {
  return DECODERS[layoutOf(bytes)](bytes, options);
}

/**
 * Writes a CryptExportKey blob of any type.
 *
 * @returns A fresh array that the caller owns; of private and plaintext keys in a buffer of its own, to be wiped.
 * @throws KeyStoreError PARAMETER_INVALID for a number that does not fit its field.
 */
export function encodeKeyBlob(blob: KeyBlob): Uint8Array {
  return (ENCODERS[blob.type] as (blob: KeyBlob) => Uint8Array)(blob);
}

/** Which decoder's the bytes are: by type, and where a type has several layouts by the algorithm or version that tells them apart. */
function layoutOf(bytes: Uint8Array): KeyBlob['type'] {
  const r = new BlobReader(bytes, 'BLOBHEADER');
  const bType = r.u8('bType');
  const version = r.u8('bVersion');
  r.u16le('reserved');
  const algId = r.u32le('aiKeyAlg');
  switch (bType) {
    case BLOB_TYPE.SIMPLEBLOB:
      return r.u32le('algid') === ALG_ID.CALG_RSA_KEYX ? 'SIMPLEBLOB' : 'agreed-SIMPLEBLOB';
    case BLOB_TYPE.PUBLICKEYBLOB:
      if (isRsa(algId)) return 'PUBLICKEYBLOB';
      return isDss(algId) || isDh(algId) ? `${dssOrDh(version, algId)}-PUBLICKEYBLOB` : 'opaque';
    case BLOB_TYPE.PRIVATEKEYBLOB:
      return privateLayoutOf(bytes, version, algId);
    case BLOB_TYPE.PLAINTEXTKEYBLOB:
      return 'PLAINTEXTKEYBLOB';
    case BLOB_TYPE.SYMMETRICWRAPKEYBLOB:
      return 'SYMMETRICWRAPKEYBLOB';
    default:
      return 'opaque';
  }
}

function privateLayoutOf(bytes: Uint8Array, version: number, algId: number): KeyBlob['type'] {
  if (!isRsa(algId) && !isDss(algId) && !isDh(algId)) return 'opaque';
  if (looksEncrypted(bytes, { version, algId })) return 'encrypted-PRIVATEKEYBLOB';
  return isRsa(algId) ? 'PRIVATEKEYBLOB' : `${dssOrDh(version, algId)}-PRIVATEKEYBLOB`;
}

function dssOrDh(version: number, algId: number): 'VER3' | 'DSS' | 'DH' {
  if (version === BLOB_VERSION_3) return 'VER3';
  return isDss(algId) ? 'DSS' : 'DH';
}

type BlobOf<Type extends KeyBlob['type']> = Extract<KeyBlob, { readonly type: Type }>;

const DECODERS: {
  readonly [Type in KeyBlob['type']]: (
    bytes: Uint8Array,
    options: DecodeKeyBlobOptions,
  ) => BlobOf<Type>;
} = {
  SIMPLEBLOB: decodeSimpleBlob,
  'agreed-SIMPLEBLOB': decodeAgreedSimpleBlob,
  PUBLICKEYBLOB: decodePublicKeyBlob,
  'DSS-PUBLICKEYBLOB': decodeDssPublicKeyBlob,
  'DH-PUBLICKEYBLOB': decodeDhPublicKeyBlob,
  'VER3-PUBLICKEYBLOB': decodeVer3PublicKeyBlob,
  PRIVATEKEYBLOB: decodePrivateKeyBlob,
  'DSS-PRIVATEKEYBLOB': decodeDssPrivateKeyBlob,
  'DH-PRIVATEKEYBLOB': decodeDhPrivateKeyBlob,
  'VER3-PRIVATEKEYBLOB': decodeVer3PrivateKeyBlob,
  'encrypted-PRIVATEKEYBLOB': decodeEncryptedPrivateKeyBlob,
  PLAINTEXTKEYBLOB: decodePlaintextKeyBlob,
  SYMMETRICWRAPKEYBLOB: decodeSymmetricWrapKeyBlob,
  opaque: decodeOpaqueKeyBlob,
};

const ENCODERS: {
  readonly [Type in KeyBlob['type']]: (blob: BlobOf<Type>) => Uint8Array;
} = {
  SIMPLEBLOB: encodeSimpleBlob,
  'agreed-SIMPLEBLOB': encodeAgreedSimpleBlob,
  PUBLICKEYBLOB: encodePublicKeyBlob,
  'DSS-PUBLICKEYBLOB': encodeDssPublicKeyBlob,
  'DH-PUBLICKEYBLOB': encodeDhPublicKeyBlob,
  'VER3-PUBLICKEYBLOB': encodeVer3PublicKeyBlob,
  PRIVATEKEYBLOB: encodePrivateKeyBlob,
  'DSS-PRIVATEKEYBLOB': encodeDssPrivateKeyBlob,
  'DH-PRIVATEKEYBLOB': encodeDhPrivateKeyBlob,
  'VER3-PRIVATEKEYBLOB': encodeVer3PrivateKeyBlob,
  'encrypted-PRIVATEKEYBLOB': encodeEncryptedPrivateKeyBlob,
  PLAINTEXTKEYBLOB: encodePlaintextKeyBlob,
  SYMMETRICWRAPKEYBLOB: encodeSymmetricWrapKeyBlob,
  opaque: encodeOpaqueKeyBlob,
};
