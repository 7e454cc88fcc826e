/** decodeKeyBlob, encodeKeyBlob: every CryptExportKey blob, as one union. */
import { BlobReader } from '../bytes/blob-reader.ts';
import { ALG_ID } from './alg-id.ts';
import { BLOB_TYPE } from './key-blob-header.ts';
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

/** Any CryptExportKey blob. Switch on `type`. */
export type KeyBlob =
  | SimpleBlob
  | PublicKeyBlob
  | PrivateKeyBlob
  | PlaintextKeyBlob
  | OpaqueKeyBlob;

/** How to read a blob of any type; each type takes what concerns it. */
export type DecodeKeyBlobOptions = DecodeSimpleBlobOptions & DecodePrivateKeyBlobOptions;

/**
 * Reads a CryptExportKey blob of any type.
 *
 * Types and algorithms that keycask does not read (DSS, Diffie-Hellman, OPAQUEKEYBLOB, ...) come back as `opaque`, with their bytes.
 * Without options, `encodeKeyBlob(decodeKeyBlob(b))` is `b`.
 *
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * const blob = decodeKeyBlob(bytes);
 * if (blob.type === 'SIMPLEBLOB') console.log(describeAlgId(blob.algId));
 * ```
 */
export function decodeKeyBlob(bytes: Uint8Array, options: DecodeKeyBlobOptions = {}): KeyBlob {
  switch (layoutOf(bytes)) {
    case 'SIMPLEBLOB':
      return decodeSimpleBlob(bytes, options);
    case 'PUBLICKEYBLOB':
      return decodePublicKeyBlob(bytes, options);
    case 'PRIVATEKEYBLOB':
      return decodePrivateKeyBlob(bytes, options);
    case 'PLAINTEXTKEYBLOB':
      return decodePlaintextKeyBlob(bytes, options);
    case 'opaque':
      return decodeOpaqueKeyBlob(bytes);
  }
}

/**
 * Writes a CryptExportKey blob of any type.
 *
 * @returns A fresh array that the caller owns; of private and plaintext keys in a buffer of its own, to be wiped.
 * @throws KeyStoreError PARAMETER_INVALID for a number that does not fit its field.
 */
export function encodeKeyBlob(blob: KeyBlob): Uint8Array {
  switch (blob.type) {
    case 'SIMPLEBLOB':
      return encodeSimpleBlob(blob);
    case 'PUBLICKEYBLOB':
      return encodePublicKeyBlob(blob);
    case 'PRIVATEKEYBLOB':
      return encodePrivateKeyBlob(blob);
    case 'PLAINTEXTKEYBLOB':
      return encodePlaintextKeyBlob(blob);
    case 'opaque':
      return encodeOpaqueKeyBlob(blob);
  }
}

/** Which decoder's the bytes are: by type, and where a type has several layouts by the algorithm that tells them apart. */
function layoutOf(bytes: Uint8Array): KeyBlob['type'] {
  const r = new BlobReader(bytes, 'BLOBHEADER');
  const bType = r.u8('bType');
  r.u8('bVersion');
  r.u16le('reserved');
  const algId = r.u32le('aiKeyAlg');
  switch (bType) {
    case BLOB_TYPE.SIMPLEBLOB:
      return r.u32le('algid') === ALG_ID.CALG_RSA_KEYX ? 'SIMPLEBLOB' : 'opaque';
    case BLOB_TYPE.PUBLICKEYBLOB:
      return isRsa(algId) ? 'PUBLICKEYBLOB' : 'opaque';
    case BLOB_TYPE.PRIVATEKEYBLOB:
      return isRsa(algId) ? 'PRIVATEKEYBLOB' : 'opaque';
    case BLOB_TYPE.PLAINTEXTKEYBLOB:
      return 'PLAINTEXTKEYBLOB';
    default:
      return 'opaque';
  }
}

function isRsa(algId: number): boolean {
  return algId === ALG_ID.CALG_RSA_KEYX || algId === ALG_ID.CALG_RSA_SIGN;
}
