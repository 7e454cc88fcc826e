/** decodeCngBlob, encodeCngBlob: every key blob of CNG, as one union. */
import { BlobReader } from '../bytes/blob-reader.ts';
import { KeyStoreError } from '../errors.ts';
import { decodeAesWrapKeyBlob, encodeAesWrapKeyBlob } from './cng-aes-wrap-blob.ts';
import { cngLayoutOf } from './cng-blob-layout.ts';
import type { CngBlob, OwnCngBlob } from './cng-blob-union.ts';
import {
  decodeCipherKeyBlob,
  decodeProtectedKeyBlob,
  encodeCipherKeyBlob,
  encodeProtectedKeyBlob,
} from './cng-cipher-key-blob.ts';
import * as dh from './cng-dh-blob.ts';
import * as dsa from './cng-dsa-blob.ts';
import { decodeDsaParameters, encodeDsaParameters } from './cng-dsa-parameters.ts';
import * as ecc from './cng-ecc-blob.ts';
import * as eccFull from './cng-ecc-full-blob.ts';
import { decodeKeyDataBlob, encodeKeyDataBlob } from './cng-key-data-blob.ts';
import { decodeOpaqueCngBlob, encodeOpaqueCngBlob, type OpaqueCngBlob } from './cng-opaque-blob.ts';
import {
  decodePkcs7EnvelopeBlob,
  decodePkcs8Blob,
  encodePkcs7EnvelopeBlob,
  encodePkcs8Blob,
} from './cng-pkcs-blob.ts';
import {
  decodePostQuantumKeyBlob,
  encodePostQuantumKeyBlob,
  type PostQuantumBlobType,
} from './cng-post-quantum-blob.ts';
import * as rsa from './cng-rsa-blob.ts';
import { BLOB_TYPE } from './key-blob-header.ts';
import { decodeKeyBlob, encodeKeyBlob } from './key-blob.ts';

export type { CngBlob, OwnCngBlob } from './cng-blob-union.ts';

/** What CNG's functions call a blob (`pszBlobType`); `PUBLICBLOB` and `PRIVATEBLOB` stand for the one that a key's algorithm has. */
export type CngBlobType =
  | OwnCngBlob['type']
  | keyof typeof CAPI_TYPES
  | 'PUBLICBLOB'
  | 'PRIVATEBLOB';

/**
 * Reads a key blob of CNG of any type. `encodeCngBlob(decodeCngBlob(b))` is `b`.
 *
 * @param blobType - Its type, where the caller knows it; any other is refused then. `Rfc3565KeyWrapBlob`, `OpaqueTransport` and
 * `OpaqueKeyBlob` must be named, since nothing in their bytes tells them. The rest is told apart by its magic.
 * @returns To be disposed of, which wipes the copies of private and symmetric keys. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER). KeyStoreError PARAMETER_INVALID for
 * a type that CNG does not have.
 * @example
 * ```ts
 * using blob = decodeCngBlob(bytes);
 * if (blob.type === 'ECCPRIVATEBLOB') console.log(blob.curve);
 * ```
 */
export function decodeCngBlob(bytes: Uint8Array, blobType?: CngBlobType): CngBlob & Disposable {
  const blob = decode(bytes, blobType);
  if (!(Symbol.dispose in blob))
    Object.defineProperty(blob, Symbol.dispose, { value: () => {}, configurable: true });
  return blob as CngBlob & Disposable;
}

/**
 * Writes a key blob of CNG of any type.
 *
 * @returns In a buffer of its own, which the caller owns, and wipes where it holds a key that is not public.
 * @throws KeyStoreError PARAMETER_INVALID for what no decoder would read.
 */
export function encodeCngBlob(blob: CngBlob): Uint8Array {
  return isOwn(blob) ? CODECS[blob.type].encode(blob as never) : encodeKeyBlob(blob);
}

function decode(bytes: Uint8Array, blobType: CngBlobType | undefined): CngBlob {
  if (blobType === undefined) return decodeLayout(bytes);
  if (blobType === 'PUBLICBLOB' || blobType === 'PRIVATEBLOB') {
    const blob = decodeLayout(bytes);
    if (blob.type.endsWith(blobType)) return blob;
    return new BlobReader(bytes, blobType).fail('dwMagic', `is of another blob: ${blob.type}`);
  }
  if (isCapiType(blobType)) {
    new BlobReader(bytes, blobType).expectU8('bType', CAPI_TYPES[blobType]);
    return decodeKeyBlob(bytes);
  }
  if (!Object.hasOwn(CODECS, blobType))
    throw new KeyStoreError('PARAMETER_INVALID', `blobType: CNG has no ${blobType}`);
  return CODECS[blobType].decode(bytes);
}

/** By what the bytes begin with. */
function decodeLayout(bytes: Uint8Array): CngBlob {
  const layout = cngLayoutOf(bytes);
  return layout === 'CAPI' ? decodeKeyBlob(bytes) : CODECS[layout].decode(bytes);
}

function isOwn(blob: CngBlob): blob is OwnCngBlob {
  return Object.hasOwn(CODECS, blob.type);
}

function isCapiType(blobType: CngBlobType): blobType is keyof typeof CAPI_TYPES {
  return Object.hasOwn(CAPI_TYPES, blobType);
}

interface Codec {
  readonly decode: (bytes: Uint8Array) => OwnCngBlob;
  /** Takes the blobs that `decode` gives. */
  readonly encode: (blob: never) => Uint8Array;
}

const opaque = (type: OpaqueCngBlob['type']): Codec => ({
  decode: (bytes) => decodeOpaqueCngBlob(bytes, type),
  encode: encodeOpaqueCngBlob,
});
const postQuantum = (type: PostQuantumBlobType): Codec => ({
  decode: (bytes) => decodePostQuantumKeyBlob(bytes, type),
  encode: encodePostQuantumKeyBlob,
});

const CODECS: Readonly<Record<OwnCngBlob['type'], Codec>> = {
  KeyDataBlob: { decode: decodeKeyDataBlob, encode: encodeKeyDataBlob },
  CipherKeyBlob: { decode: decodeCipherKeyBlob, encode: encodeCipherKeyBlob },
  ProtectedKeyBlob: { decode: decodeProtectedKeyBlob, encode: encodeProtectedKeyBlob },
  Rfc3565KeyWrapBlob: { decode: decodeAesWrapKeyBlob, encode: encodeAesWrapKeyBlob },
  KDFKeyBlob: opaque('KDFKeyBlob'),
  PcpTpmProtectedKeyBlob: opaque('PcpTpmProtectedKeyBlob'),
  OpaqueTransport: opaque('OpaqueTransport'),
  OpaqueKeyBlob: opaque('OpaqueKeyBlob'),
  RSAPUBLICBLOB: { decode: rsa.decodeRsaPublicBlob, encode: rsa.encodeRsaPublicBlob },
  RSAPRIVATEBLOB: { decode: rsa.decodeRsaPrivateBlob, encode: rsa.encodeRsaPrivateBlob },
  RSAFULLPRIVATEBLOB: {
    decode: rsa.decodeRsaFullPrivateBlob,
    encode: rsa.encodeRsaFullPrivateBlob,
  },
  ECCPUBLICBLOB: { decode: ecc.decodeEccPublicBlob, encode: ecc.encodeEccPublicBlob },
  ECCPRIVATEBLOB: { decode: ecc.decodeEccPrivateBlob, encode: ecc.encodeEccPrivateBlob },
  ECCFULLPUBLICBLOB: {
    decode: eccFull.decodeEccFullPublicBlob,
    encode: eccFull.encodeEccFullPublicBlob,
  },
  ECCFULLPRIVATEBLOB: {
    decode: eccFull.decodeEccFullPrivateBlob,
    encode: eccFull.encodeEccFullPrivateBlob,
  },
  DSAPUBLICBLOB: { decode: dsa.decodeDsaPublicBlob, encode: dsa.encodeDsaPublicBlob },
  DSAPRIVATEBLOB: { decode: dsa.decodeDsaPrivateBlob, encode: dsa.encodeDsaPrivateBlob },
  DSAParameters: { decode: decodeDsaParameters, encode: encodeDsaParameters },
  DHPUBLICBLOB: { decode: dh.decodeDhPublicBlob, encode: dh.encodeDhPublicBlob },
  DHPRIVATEBLOB: { decode: dh.decodeDhPrivateBlob, encode: dh.encodeDhPrivateBlob },
  DHParameters: { decode: dh.decodeDhParameters, encode: dh.encodeDhParameters },
  MLKEMPUBLICBLOB: postQuantum('MLKEMPUBLICBLOB'),
  MLKEMPRIVATEBLOB: postQuantum('MLKEMPRIVATEBLOB'),
  MLKEMPRIVATESEEDBLOB: postQuantum('MLKEMPRIVATESEEDBLOB'),
  PQDSAPUBLICBLOB: postQuantum('PQDSAPUBLICBLOB'),
  PQDSAPRIVATEBLOB: postQuantum('PQDSAPRIVATEBLOB'),
  PQDSAPRIVATESEEDBLOB: postQuantum('PQDSAPRIVATESEEDBLOB'),
  PKCS8_PRIVATEKEY: { decode: decodePkcs8Blob, encode: encodePkcs8Blob },
  PKCS7_ENVELOPE: { decode: decodePkcs7EnvelopeBlob, encode: encodePkcs7EnvelopeBlob },
};

/** bcrypt.h's LEGACY_*_BLOB: CryptExportKey blobs, and the bType that each has. */
const CAPI_TYPES = {
  CAPIPUBLICBLOB: BLOB_TYPE.PUBLICKEYBLOB,
  CAPIPRIVATEBLOB: BLOB_TYPE.PRIVATEKEYBLOB,
  CAPIDSAPUBLICBLOB: BLOB_TYPE.PUBLICKEYBLOB,
  CAPIDSAPRIVATEBLOB: BLOB_TYPE.PRIVATEKEYBLOB,
  V2CAPIDSAPUBLICBLOB: BLOB_TYPE.PUBLICKEYBLOB,
  V2CAPIDSAPRIVATEBLOB: BLOB_TYPE.PRIVATEKEYBLOB,
  CAPIDHPUBLICBLOB: BLOB_TYPE.PUBLICKEYBLOB,
  CAPIDHPRIVATEBLOB: BLOB_TYPE.PRIVATEKEYBLOB,
} as const;
