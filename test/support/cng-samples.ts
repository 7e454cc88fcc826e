/** One CNG blob of every layout in every shape, with numbers that count, so that a field that moved shows. */
import type { OwnCngBlob } from '../../lib/blobs/index.ts';

const numberOf = (length: number, first: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);

const RSA = { modulusBits: 384, exponent: 65537, modulus: numberOf(48, 0x80) };
const RSA_PRIVATE = { ...RSA, prime1: numberOf(24, 0x01), prime2: numberOf(24, 0x21) };
const RSA_FULL = {
  ...RSA_PRIVATE,
  exponent1: numberOf(24, 0x31),
  exponent2: numberOf(24, 0x41),
  coefficient: numberOf(24, 0x51),
  privateExponent: numberOf(48, 0x61),
};

const EC = { x: numberOf(32, 0x10), y: numberOf(32, 0x40) };
const EC_FULL = {
  algorithm: 'ECDSA',
  curve: 'generic',
  curveType: 'shortWeierstrass',
  curveGenerationAlgId: 0,
  p: numberOf(20, 0x01),
  a: numberOf(20, 0x11),
  b: numberOf(20, 0x21),
  gx: numberOf(20, 0x31),
  gy: numberOf(20, 0x41),
  order: numberOf(21, 0x51),
  cofactor: Uint8Array.of(1),
  seed: new Uint8Array(0),
  x: numberOf(20, 0x61),
  y: numberOf(20, 0x71),
} as const;
/** The curve that its magic names too, made of a seed. */
const EC_FULL_P256 = {
  ...EC_FULL,
  algorithm: 'ECDH',
  curve: 'P-256',
  curveGenerationAlgId: 0x8004,
  p: numberOf(32, 0x01),
  a: numberOf(32, 0x11),
  b: numberOf(32, 0x21),
  gx: numberOf(32, 0x31),
  gy: numberOf(32, 0x41),
  order: numberOf(32, 0x51),
  seed: numberOf(20, 0x01),
  x: numberOf(32, 0x61),
  y: numberOf(32, 0x71),
} as const;

const DSA_1 = {
  version: 1,
  hashAlgorithm: 'SHA1',
  standardVersion: 'FIPS186-2',
  count: 0x01020304,
  seed: numberOf(20, 0x01),
  q: numberOf(20, 0x21),
  p: numberOf(64, 0x41),
  g: numberOf(64, 0x81),
} as const;
const DSA_2 = {
  version: 2,
  hashAlgorithm: 'SHA256',
  standardVersion: 'FIPS186-3',
  count: 0xffffffff,
  seed: numberOf(32, 0x01),
  q: numberOf(28, 0x21),
  p: numberOf(136, 0x41),
  g: numberOf(136, 0x61),
} as const;
const DSA_KEY_1 = { ...DSA_1, y: numberOf(64, 0xa1) };
const DSA_KEY_2 = { ...DSA_2, y: numberOf(136, 0x81) };

const DH = { p: numberOf(64, 0x01), g: numberOf(64, 0x41) };
const DH_KEY = { ...DH, y: numberOf(64, 0x81) };

/** Blobs, by layout; those that are DER are not among them. */
export const CNG_SAMPLES: readonly OwnCngBlob[] = [
  { type: 'KeyDataBlob', key: numberOf(16, 0) },
  { type: 'CipherKeyBlob', algorithm: 'AES', key: numberOf(32, 0) },
  { type: 'ProtectedKeyBlob', algorithm: '3DES', content: numberOf(40, 1) },
  { type: 'Rfc3565KeyWrapBlob', wrapped: numberOf(40, 1) },
  { type: 'KDFKeyBlob', content: Uint8Array.from(Buffer.from('\u0010\0\0\0KDF1\0\0\0\0\0\0\0\0')) },
  { type: 'PcpTpmProtectedKeyBlob', content: Uint8Array.from(Buffer.from('KPTM then anything')) },
  { type: 'OpaqueTransport', content: numberOf(30, 1) },
  { type: 'OpaqueKeyBlob', content: numberOf(30, 1) },
  { type: 'RSAPUBLICBLOB', ...RSA },
  { type: 'RSAPRIVATEBLOB', ...RSA_PRIVATE },
  { type: 'RSAFULLPRIVATEBLOB', ...RSA_FULL },
  { type: 'ECCPUBLICBLOB', algorithm: 'ECDH', curve: 'P-256', ...EC },
  { type: 'ECCPUBLICBLOB', algorithm: 'ECDSA', curve: 'generic', ...EC },
  {
    type: 'ECCPRIVATEBLOB',
    algorithm: 'ECDSA',
    curve: 'P-256',
    ...EC,
    privateKey: numberOf(32, 0x70),
  },
  // curve25519: no Y.
  {
    type: 'ECCPRIVATEBLOB',
    algorithm: 'ECDH',
    curve: 'generic',
    x: numberOf(32, 0x10),
    y: new Uint8Array(32),
    privateKey: numberOf(32, 0x70),
  },
  { type: 'ECCFULLPUBLICBLOB', ...EC_FULL },
  { type: 'ECCFULLPUBLICBLOB', ...EC_FULL_P256 },
  {
    type: 'ECCFULLPRIVATEBLOB',
    ...EC_FULL,
    curveType: 'twistedEdwards',
    privateKey: numberOf(21, 0x91),
  },
  {
    type: 'ECCFULLPRIVATEBLOB',
    ...EC_FULL_P256,
    curveType: 'montgomery',
    privateKey: numberOf(32, 0x91),
  },
  { type: 'DSAPUBLICBLOB', ...DSA_KEY_1 },
  { type: 'DSAPUBLICBLOB', ...DSA_KEY_2 },
  { type: 'DSAPRIVATEBLOB', ...DSA_KEY_1, x: numberOf(20, 0xe1) },
  { type: 'DSAPRIVATEBLOB', ...DSA_KEY_2, x: numberOf(28, 0xe1) },
  { type: 'DSAParameters', ...DSA_1 },
  { type: 'DSAParameters', ...DSA_2 },
  { type: 'DHPUBLICBLOB', ...DH_KEY },
  { type: 'DHPRIVATEBLOB', ...DH_KEY, x: numberOf(64, 0xc0) },
  { type: 'DHParameters', ...DH },
  { type: 'MLKEMPRIVATESEEDBLOB', algorithm: 'ML-KEM', parameterSet: '768', key: numberOf(64, 0) },
  { type: 'PQDSAPRIVATESEEDBLOB', algorithm: 'ML-DSA', parameterSet: '65', key: numberOf(32, 0) },
  {
    type: 'PQDSAPUBLICBLOB',
    algorithm: 'SLH-DSA',
    parameterSet: 'SHA2-128s',
    key: numberOf(32, 0),
  },
  {
    type: 'PQDSAPRIVATEBLOB',
    algorithm: 'SLH-DSA',
    parameterSet: 'SHAKE-192f',
    key: numberOf(96, 0),
  },
  { type: 'PQDSAPUBLICBLOB', algorithm: 'LMS', parameterSet: '', key: numberOf(60, 0) },
  { type: 'PQDSAPUBLICBLOB', algorithm: 'XMSS', parameterSet: '', key: numberOf(68, 0) },
  {
    type: 'MLKEMPUBLICBLOB',
    algorithm: 'Composite-ML-KEM',
    parameterSet: '768-P256',
    key: numberOf(90, 0),
  },
  {
    type: 'MLKEMPRIVATEBLOB',
    algorithm: 'Composite-ML-KEM',
    parameterSet: '1024-P384',
    key: numberOf(90, 0),
  },
  {
    type: 'PQDSAPUBLICBLOB',
    algorithm: 'Composite-ML-DSA',
    parameterSet: '44-ECDSA-P256-SHA256',
    key: numberOf(90, 0),
  },
  {
    type: 'PQDSAPRIVATEBLOB',
    algorithm: 'Composite-ML-DSA',
    parameterSet: 'of the future',
    key: numberOf(90, 0),
  },
];
