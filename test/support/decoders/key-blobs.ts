/** Decoders of CryptExportKey's blobs, of PVK files and of strong names. */
import {
  decodeAgreedSimpleBlob,
  decodeDhPrivateKeyBlob,
  decodeDhPublicKeyBlob,
  decodeDssPrivateKeyBlob,
  decodeDssPublicKeyBlob,
  decodeEncryptedPrivateKeyBlob,
  decodeKeyBlob,
  decodeOpaqueKeyBlob,
  decodePlaintextKeyBlob,
  decodePrivateKeyBlob,
  decodePublicKeyBlob,
  decodePvk,
  decodeSimpleBlob,
  decodeStrongNamePublicKey,
  decodeSymmetricWrapKeyBlob,
  decodeVer3PrivateKeyBlob,
  decodeVer3PublicKeyBlob,
  encodeAgreedSimpleBlob,
  encodeDhPrivateKeyBlob,
  encodeDhPublicKeyBlob,
  encodeDssPrivateKeyBlob,
  encodeDssPublicKeyBlob,
  encodeEncryptedPrivateKeyBlob,
  encodeKeyBlob,
  encodeOpaqueKeyBlob,
  encodePlaintextKeyBlob,
  encodePrivateKeyBlob,
  encodePublicKeyBlob,
  encodePvk,
  encodeSimpleBlob,
  encodeStrongNamePublicKey,
  encodeSymmetricWrapKeyBlob,
  encodeVer3PrivateKeyBlob,
  encodeVer3PublicKeyBlob,
} from '../../../lib/blobs/index.ts';
import { decoder, type Decoder } from './decoder.ts';

const CALG_RSA_KEYX = 0xa400;
const CALG_DSS_SIGN = 0x2200;
const CALG_DH_SF = 0xaa01;
const CALG_AES_256 = 0x6610;
const CALG_3DES = 0x6603;
const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);

const SIMPLE = encodeSimpleBlob({ algId: CALG_AES_256, encryptedKey: bytes(64) });
const AGREED = encodeAgreedSimpleBlob({
  algId: CALG_AES_256,
  wrappingAlgId: CALG_3DES,
  encryptedKey: bytes(40),
});
const WRAPPED = encodeSymmetricWrapKeyBlob({
  algId: CALG_3DES,
  wrappingAlgId: CALG_3DES,
  wrappedKey: bytes(40),
});
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
const ENCRYPTED = encodeEncryptedPrivateKeyBlob({
  version: 2,
  algId: CALG_RSA_KEYX,
  ciphertext: bytes(304, 0x80),
});

const SEED = { counter: 77, seed: bytes(20) };
const GROUP = {
  algId: CALG_DSS_SIGN,
  primeBits: 512,
  prime: bytes(64),
  subprime: bytes(20),
  generator: bytes(64),
};
const DSS_PUBLIC = [
  encodeDssPublicKeyBlob({ ...GROUP, publicKey: bytes(64), seed: SEED }),
  encodeDssPublicKeyBlob({ ...GROUP, publicKey: bytes(64) }),
];
const DSS_PRIVATE = encodeDssPrivateKeyBlob({ ...GROUP, privateKey: bytes(20), seed: SEED });
const DH = { algId: CALG_DH_SF, primeBits: 512, prime: bytes(64), generator: bytes(64) };
const DH_PUBLIC = encodeDhPublicKeyBlob({ ...DH, publicKey: bytes(64) });
const DH_PRIVATE = encodeDhPrivateKeyBlob({ ...DH, privateKey: bytes(64) });
const VER3 = [
  {
    ...GROUP,
    algorithm: 'DSS' as const,
    subprimeBits: 160,
    cofactorBits: 351,
    cofactor: bytes(44),
    publicKey: bytes(64),
    seed: SEED,
  },
  { ...DH, algorithm: 'DH' as const, subprimeBits: 0, cofactorBits: 0, publicKey: bytes(64) },
];
const VER3_PUBLIC = VER3.map(encodeVer3PublicKeyBlob);
const VER3_PRIVATE = VER3.map((key) =>
  encodeVer3PrivateKeyBlob({ ...key, privateKeyBits: 159, privateKey: bytes(20) }),
);
const OPAQUE = encodeOpaqueKeyBlob({
  blobType: 'OPAQUEKEYBLOB',
  version: 2,
  algId: CALG_AES_256,
  content: bytes(40),
});
const PVK = [
  encodePvk({ keySpec: 1, encryptedFlag: 0, salt: bytes(0), keyBlob: PRIVATE }),
  encodePvk({ keySpec: 2, encryptedFlag: 1, salt: bytes(16), keyBlob: ENCRYPTED }),
  encodePvk({ keySpec: 2, encryptedFlag: 0, salt: bytes(16), keyBlob: DSS_PRIVATE }),
];
const STRONG_NAME = [
  encodeStrongNamePublicKey({
    signatureAlgId: 0x2400,
    hashAlgId: 0x8004,
    publicKey: { type: 'PUBLICKEYBLOB', ...RSA },
  }),
  encodeStrongNamePublicKey({ signatureAlgId: 0, hashAlgId: 0 }),
];

const ALL = [SIMPLE, AGREED, PUBLIC, ...DSS_PUBLIC, DH_PUBLIC, ...VER3_PUBLIC, PRIVATE].concat([
  DSS_PRIVATE,
  DH_PRIVATE,
  ...VER3_PRIVATE,
  ENCRYPTED,
  PLAINTEXT,
  WRAPPED,
  OPAQUE,
]);

/** Each layout by itself, and all of them as the union. */
export const KEY_BLOB_DECODERS: readonly Decoder[] = [
  decoder('key blob', {
    decode: (blob) => decodeKeyBlob(blob),
    encode: encodeKeyBlob,
    samples: () => ALL,
  }),
  decoder('key blob with a short tail', {
    decode: (blob) => decodeKeyBlob(blob, { shortTail: 'allow' }),
    encode: encodeKeyBlob,
    samples: () => [PRIVATE, PRIVATE.subarray(0, -20), PRIVATE.subarray(0, -64), DSS_PRIVATE],
  }),
  decoder('SIMPLEBLOB', {
    decode: (blob) => decodeSimpleBlob(blob),
    encode: encodeSimpleBlob,
    samples: () => [SIMPLE],
  }),
  decoder('SIMPLEBLOB (agreed)', {
    decode: decodeAgreedSimpleBlob,
    encode: encodeAgreedSimpleBlob,
    samples: () => [AGREED],
  }),
  decoder('SYMMETRICWRAPKEYBLOB', {
    decode: decodeSymmetricWrapKeyBlob,
    encode: encodeSymmetricWrapKeyBlob,
    samples: () => [WRAPPED],
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
  decoder('PUBLICKEYBLOB (DSS)', {
    decode: (blob) => decodeDssPublicKeyBlob(blob),
    encode: encodeDssPublicKeyBlob,
    samples: () => DSS_PUBLIC,
  }),
  decoder('PUBLICKEYBLOB (DH)', {
    decode: (blob) => decodeDhPublicKeyBlob(blob),
    encode: encodeDhPublicKeyBlob,
    samples: () => [DH_PUBLIC],
  }),
  decoder('PUBLICKEYBLOB (VER3)', {
    decode: (blob) => decodeVer3PublicKeyBlob(blob),
    encode: encodeVer3PublicKeyBlob,
    samples: () => VER3_PUBLIC,
  }),
  decoder('PRIVATEKEYBLOB', {
    decode: (blob) => decodePrivateKeyBlob(blob),
    encode: encodePrivateKeyBlob,
    samples: () => [PRIVATE],
  }),
  decoder('PRIVATEKEYBLOB (DSS)', {
    decode: (blob) => decodeDssPrivateKeyBlob(blob),
    encode: encodeDssPrivateKeyBlob,
    samples: () => [DSS_PRIVATE],
  }),
  decoder('PRIVATEKEYBLOB (DH)', {
    decode: (blob) => decodeDhPrivateKeyBlob(blob),
    encode: encodeDhPrivateKeyBlob,
    samples: () => [DH_PRIVATE],
  }),
  decoder('PRIVATEKEYBLOB (VER3)', {
    decode: (blob) => decodeVer3PrivateKeyBlob(blob),
    encode: encodeVer3PrivateKeyBlob,
    samples: () => VER3_PRIVATE,
  }),
  decoder('PRIVATEKEYBLOB (encrypted)', {
    decode: decodeEncryptedPrivateKeyBlob,
    encode: encodeEncryptedPrivateKeyBlob,
    samples: () => [ENCRYPTED],
  }),
  decoder('opaque blob', {
    decode: decodeOpaqueKeyBlob,
    encode: encodeOpaqueKeyBlob,
    samples: () => [OPAQUE, SIMPLE, PUBLIC],
  }),
  decoder('PVK', {
    decode: (file) => decodePvk(file),
    encode: encodePvk,
    samples: () => PVK,
  }),
  decoder('strong name public key', {
    decode: (key) => decodeStrongNamePublicKey(key),
    encode: encodeStrongNamePublicKey,
    samples: () => STRONG_NAME,
  }),
];
