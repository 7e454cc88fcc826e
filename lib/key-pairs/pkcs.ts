/** Key pairs in DER: PKCS#1, PKCS#8, SubjectPublicKeyInfo, SEC 1 and OpenSSL's older DSA format. Layouts are in lib/cms. */
import { derUnsigned, derValue, writeDer, type DerPart } from '../bytes/der-layout.ts';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { bitString, NULL } from '../bytes/der-writer.ts';
import { concatBytes } from '../bytes/octets.ts';
import { dhAlgorithm, readDhParameters, readX942Parameters } from '../cms/dh-key.ts';
import {
  dsaAlgorithm,
  dsaPrivateKey,
  readDsaParameters,
  readDsaPrivateKey,
} from '../cms/dsa-key.ts';
import { ecPrivateKey, readEcPrivateKey } from '../cms/ec-private-key.ts';
import { OID } from '../cms/oids.ts';
import { privateKeyInfo, readPrivateKeyInfo } from '../cms/private-key-info.ts';
import { readRsaPrivateKey, RSA_ALGORITHM, rsaPrivateKey } from '../cms/rsa-private-key.ts';
import { readRsaPublicKey, readSpki } from '../cms/spki.ts';
import { EC_CURVES, type EcCurveName } from './curves.ts';
import type { DecodedKeyPair } from './decoded-key-pair.ts';
import { dhKeyPair, dsaKeyPair } from './discrete-log-key-pair.ts';
import { ecKeyPair, x25519KeyPair, type EcKeyPair } from './ec-key-pair.ts';
import type { KeyPairFormat } from './formats.ts';
import type { KeyPair } from './key-pair.ts';
import { rsaKeyPair, type RsaKeyPair } from './rsa-key-pair.ts';

/** The formats of this file. */
export type DerFormat =
  | 'RSAPublicKey'
  | 'RSAPrivateKey'
  | 'ECPrivateKey'
  | 'DSAPrivateKey'
  | 'PKCS8'
  | 'SPKI';

/** Reads a key of any of these formats, told by its first elements. */
export function decodeDer(der: Uint8Array, format = derFormatOf(der)): DecodedKeyPair {
  switch (format) {
    case 'SPKI':
      return { pair: decodePublic(der), format, details: {} };
    case 'PKCS8':
      return decodePkcs8(der);
    case 'RSAPublicKey':
      return { pair: rsaKeyPair(readRsaPublicKey(der)), format, details: {} };
    case 'RSAPrivateKey':
      return { pair: decodeRsa(new DerReader(der, format)), format, details: {} };
    case 'DSAPrivateKey': {
      const pair = dsaKeyPair(readDsaPrivateKey(new DerReader(der, format)));
      return { pair, format, details: {} };
    }
    case 'ECPrivateKey':
      return { pair: decodeEc(new DerReader(der, format)), format, details: {} };
  }
}

/** Writes a key that is known to fit the format by its type and half. */
export function encodeDer(pair: KeyPair, format: DerFormat): Uint8Array {
  switch (format) {
    case 'SPKI':
      return writeDer(spkiOf(pair));
    case 'PKCS8':
      return writeDer(pkcs8Of(pair));
    case 'RSAPublicKey':
      return writeDer(rsaPublicKey(pair as RsaKeyPair));
    case 'RSAPrivateKey':
      return writeDer(rsaPrivateKeyOf(pair as RsaKeyPair));
    case 'DSAPrivateKey':
      return writeDer(dsaPrivateKey(pair as Parameters<typeof dsaPrivateKey>[0]));
    case 'ECPrivateKey': {
      const key = pair as EcKeyPair;
      return writeDer(ecPrivateKeyOf(key, CURVE_OID[key.curve]));
    }
  }
}

/** Which format the first elements are of. */
function derFormatOf(der: Uint8Array): DerFormat {
  const r = new DerReader(der, 'private or public key').enter(TAG.SEQUENCE, 'key');
  if (r.peek() === TAG.SEQUENCE) {
    r.read(TAG.SEQUENCE, 'algorithm');
    if (r.peek() === TAG.OCTET_STRING)
      return r.fail('algorithm', 'a password encrypts this key', 'NOT_SUPPORTED');
    if (r.peek() !== TAG.BIT_STRING) r.fail('subjectPublicKey', 'not a key');
    return 'SPKI';
  }
  r.read(TAG.INTEGER, 'version');
  if (r.peek() === TAG.SEQUENCE) return 'PKCS8';
  if (r.peek() === TAG.OCTET_STRING) return 'ECPrivateKey';
  let count = 1;
  for (; r.peek() === TAG.INTEGER; count++) r.read(TAG.INTEGER, 'number');
  if (r.peek() === TAG.SEQUENCE && count === 9)
    r.fail('otherPrimeInfos', 'an RSA key of more than two primes', 'NOT_SUPPORTED');
  r.end();
  const format = ({ 2: 'RSAPublicKey', 6: 'DSAPrivateKey', 9: 'RSAPrivateKey' } as const)[count];
  return format ?? r.fail('key', `no key has ${count} numbers`);
}

function decodePkcs8(der: Uint8Array): DecodedKeyPair {
  const { algorithm, privateKey, hasAttributes } = readPrivateKeyInfo(der);
  const pair = decodePrivate(algorithm, privateKey);
  return { pair, format: 'PKCS8', details: hasAttributes ? { dropped: ['attributes'] } : {} };
}

function decodePrivate(algorithm: DerReader, wrapper: DerReader): KeyPair {
  if (algorithm.accept(OID.rsaEncryption)) {
    endOfRsaAlgorithm(algorithm);
    return decodeRsa(wrapper);
  }
  if (algorithm.accept(OID.ecPublicKey)) return decodeEc(wrapper, readCurve(algorithm));
  if (algorithm.accept(OID.x25519)) {
    algorithm.end();
    const privateKey = wrapper.octets('CurvePrivateKey', { min: 32, max: 32 });
    wrapper.end();
    return x25519KeyPair({ privateKey });
  }
  const { type, ...parameters } = readDomain(algorithm);
  const privateKey = wrapper.positive('x');
  wrapper.end();
  return type === 'DSA'
    ? dsaKeyPair({ ...(parameters as DsaDomain), privateKey })
    : dhKeyPair({ ...parameters, privateKey });
}

function decodePublic(der: Uint8Array): KeyPair {
  const { algorithm, publicKey } = readSpki(der);
  if (algorithm.accept(OID.rsaEncryption)) {
    endOfRsaAlgorithm(algorithm);
    return rsaKeyPair(readRsaPublicKey(publicKey));
  }
  if (algorithm.accept(OID.ecPublicKey)) {
    const curve = readCurve(algorithm);
    return ecKeyPair({ curve, ...coordinatesOf(algorithm, curve, publicKey) });
  }
  if (algorithm.accept(OID.x25519)) {
    algorithm.end();
    return x25519KeyPair({ publicKey });
  }
  const { type, ...parameters } = readDomain(algorithm);
  const r = new DerReader(publicKey, 'SubjectPublicKeyInfo');
  const y = r.positive('y');
  r.end();
  return type === 'DSA'
    ? dsaKeyPair({ ...(parameters as DsaDomain), publicKey: y })
    : dhKeyPair({ ...parameters, publicKey: y });
}

type DsaDomain = ReturnType<typeof readDsaParameters>;

function readDomain(
  algorithm: DerReader,
):
  | ({ readonly type: 'DSA' } & DsaDomain)
  | ({ readonly type: 'DH' } & ReturnType<typeof readX942Parameters>) {
  if (algorithm.accept(OID.dsa)) return { type: 'DSA', ...readDsaParameters(algorithm) };
  if (algorithm.accept(OID.dhKeyAgreement)) return { type: 'DH', ...readDhParameters(algorithm) };
  if (algorithm.accept(OID.dhPublicNumber)) return { type: 'DH', ...readX942Parameters(algorithm) };
  // Also where it is shorter than those above, as that of Ed25519 is.
  algorithm.read(TAG.OBJECT_IDENTIFIER, 'algorithm');
  return algorithm.fail('algorithm', 'not an algorithm that is read', 'BLOB_ALGORITHM_UNSUPPORTED');
}

/** NULL, which some leave out. */
function endOfRsaAlgorithm(algorithm: DerReader): void {
  algorithm.accept(NULL);
  algorithm.end();
}

function decodeRsa(wrapper: DerReader): KeyPair {
  return rsaKeyPair(
    readRsaPrivateKey(wrapper, (r) => ({ publicExponent: r.positive('publicExponent') })),
  );
}

/** @param algorithmCurve - The curve that the algorithm of PKCS#8 names. */
function decodeEc(wrapper: DerReader, algorithmCurve?: EcCurveName): KeyPair {
  const { privateKey, namedCurve, point } = readEcPrivateKey(wrapper);
  const curve = namedCurve ? readCurve(new DerReader(namedCurve, 'ECPrivateKey')) : algorithmCurve;
  if (curve === undefined) return wrapper.fail('parameters', 'missing: the curve is not known');
  if (algorithmCurve && curve !== algorithmCurve)
    wrapper.fail('parameters', `want ${algorithmCurve}, as the algorithm says`);
  return ecKeyPair({ curve, privateKey, ...(point && coordinatesOf(wrapper, curve, point)) });
}

function readCurve(algorithm: DerReader): EcCurveName {
  const names = Object.keys(CURVE_OID) as EcCurveName[];
  const curve = names.find((name) => algorithm.accept(CURVE_OID[name]));
  if (curve === undefined)
    return algorithm.fail('namedCurve', 'want P-256, P-384 or P-521', 'BLOB_ALGORITHM_UNSUPPORTED');
  algorithm.end();
  return curve;
}

// oxlint-disable-next-line max-params -- the reader only names the place of a fault
function coordinatesOf(
  r: DerReader,
  curve: EcCurveName,
  point: Uint8Array,
): { x: Uint8Array; y: Uint8Array } {
  const { fieldLength } = EC_CURVES[curve];
  if (point.length !== 1 + 2 * fieldLength || point[0] !== UNCOMPRESSED)
    r.fail('publicKey', `want an uncompressed point of ${curve}`);
  return { x: point.subarray(1, 1 + fieldLength), y: point.subarray(1 + fieldLength) };
}

function spkiOf(pair: KeyPair): DerPart {
  return derValue(TAG.SEQUENCE, algorithmOf(pair), bitString(publicKeyOf(pair)));
}

function publicKeyOf(pair: KeyPair): Uint8Array {
  switch (pair.type) {
    case 'RSA':
      return writeDer(rsaPublicKey(pair));
    case 'EC':
      return pointOf(pair);
    case 'X25519':
      return pair.publicKey;
    case 'DSA':
    case 'DH':
      return writeDer(derUnsigned(pair.publicKey));
  }
}

function pkcs8Of(pair: KeyPair): DerPart {
  return privateKeyInfo(algorithmOf(pair), privateKeyOf(pair));
}

function privateKeyOf(pair: KeyPair): DerPart {
  switch (pair.type) {
    case 'RSA':
      return rsaPrivateKeyOf(pair);
    case 'EC':
      return ecPrivateKeyOf(pair);
    case 'X25519':
      return derValue(TAG.OCTET_STRING, pair.privateKey!);
    case 'DSA':
    case 'DH':
      return derUnsigned(pair.privateKey!);
  }
}

function algorithmOf(pair: KeyPair): DerPart {
  switch (pair.type) {
    case 'RSA':
      return RSA_ALGORITHM;
    case 'EC':
      return derValue(TAG.SEQUENCE, OID.ecPublicKey, CURVE_OID[pair.curve]);
    case 'X25519':
      return derValue(TAG.SEQUENCE, OID.x25519);
    case 'DSA':
      return dsaAlgorithm(pair);
    case 'DH':
      return dhAlgorithm(pair);
  }
}

function rsaPublicKey({ modulus, publicExponent }: RsaKeyPair): DerPart {
  return derValue(TAG.SEQUENCE, derUnsigned(modulus), derUnsigned(publicExponent));
}

function rsaPrivateKeyOf({ modulus, publicExponent, privateNumbers }: RsaKeyPair): DerPart {
  const key = { modulus, publicExponent: derUnsigned(publicExponent), ...privateNumbers! };
  return rsaPrivateKey(key);
}

function ecPrivateKeyOf(pair: EcKeyPair, namedCurve?: Uint8Array): DerPart {
  const parts = { privateKey: pair.privateKey!, point: pointOf(pair) };
  return ecPrivateKey({ ...parts, ...(namedCurve && { namedCurve }) });
}

function pointOf({ x, y }: EcKeyPair): Uint8Array {
  return concatBytes(Uint8Array.of(UNCOMPRESSED), x, y);
}

const CURVE_OID: Readonly<Record<EcCurveName, Uint8Array>> = {
  'P-256': OID.p256,
  'P-384': OID.p384,
  'P-521': OID.p521,
};
const UNCOMPRESSED = 0x04;

/** Whether a format is one of this file's. */
export function isDerFormat(format: KeyPairFormat): format is DerFormat {
  return [
    'RSAPublicKey',
    'RSAPrivateKey',
    'ECPrivateKey',
    'DSAPrivateKey',
    'PKCS8',
    'SPKI',
  ].includes(format);
}
