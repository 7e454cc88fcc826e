/** Decoders of CryptExportKey's blobs. */
import {
  decodeKeyBlob,
  decodeOpaqueKeyBlob,
  decodePlaintextKeyBlob,
  decodePrivateKeyBlob,
  decodePublicKeyBlob,
  decodeSimpleBlob,
  encodeKeyBlob,
  encodeOpaqueKeyBlob,
  encodePlaintextKeyBlob,
  encodePrivateKeyBlob,
  encodePublicKeyBlob,
  encodeSimpleBlob,
} from '../../../lib/blobs/index.ts';
import { decoder, type Decoder } from './decoder.ts';

const CALG_RSA_KEYX = 0xa400;
const CALG_AES_256 = 0x6610;
const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);

const SIMPLE = encodeSimpleBlob({ algId: CALG_AES_256, encryptedKey: bytes(64) });
const PLAINTEXT = encodePlaintextKeyBlob({ algId: CALG_AES_256, key: bytes(32) });
const RSA = { algId: CALG_RSA_KEYX, modulusBits: 511, exponent: 65537, modulus: bytes(64) };
const PUBLIC = encodePublicKeyBlob(RSA);
const PRIVATE = encodePrivateKeyBlob({
  ...RSA,
  prime1: bytes(32),
  prime2: bytes(32),
  exponent1: bytes(32),
  exponent2: bytes(32),
  coefficient: bytes(32),
  privateExponent: bytes(64),
});
const OPAQUE = encodeOpaqueKeyBlob({
  blobType: 'OPAQUEKEYBLOB',
  version: 2,
  algId: CALG_AES_256,
  content: bytes(40),
});

/** Each layout by itself, and all of them as the union. */
export const KEY_BLOB_DECODERS: readonly Decoder[] = [
  decoder('key blob', {
    decode: (blob) => decodeKeyBlob(blob),
    encode: encodeKeyBlob,
    samples: () => [SIMPLE, PLAINTEXT, PUBLIC, PRIVATE, OPAQUE],
  }),
  decoder('SIMPLEBLOB', {
    decode: (blob) => decodeSimpleBlob(blob),
    encode: encodeSimpleBlob,
    samples: () => [SIMPLE],
  }),
  decoder('PLAINTEXTKEYBLOB', {
    decode: (blob) => decodePlaintextKeyBlob(blob),
    encode: encodePlaintextKeyBlob,
    samples: () => [PLAINTEXT],
  }),
  decoder('PUBLICKEYBLOB', {
    decode: (blob) => decodePublicKeyBlob(blob),
    encode: encodePublicKeyBlob,
    samples: () => [PUBLIC],
  }),
  decoder('PRIVATEKEYBLOB', {
    decode: (blob) => decodePrivateKeyBlob(blob),
    encode: encodePrivateKeyBlob,
    samples: () => [PRIVATE],
  }),
  decoder('opaque blob', {
    decode: decodeOpaqueKeyBlob,
    encode: encodeOpaqueKeyBlob,
    samples: () => [OPAQUE, SIMPLE, PUBLIC],
  }),
];
