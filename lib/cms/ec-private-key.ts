/**
 * ECPrivateKey (RFC 5915), and PKCS#8 of it in the form that OpenSSL writes, read as views and written in place, so that d is not copied on the way.
 *
 *   PrivateKeyInfo ::= SEQUENCE { version 0, SEQUENCE { id-ecPublicKey, namedCurve }, OCTET STRING of ECPrivateKey }     RFC 5208, RFC 5480
 *   ECPrivateKey ::= SEQUENCE { version 1, privateKey OCTET STRING, parameters [0] namedCurve OPTIONAL,
 *                               publicKey [1] BIT STRING OPTIONAL }                                                      RFC 5915 section 3
 *
 * In PKCS#8 the curve stands in the algorithm and not in `parameters` [0]; d is as long as the curve's field. The public point is always written;
 * it is missing in what OpenSSL exports of a key that it read without one.
 */
import { derValue, type DerPart } from '../bytes/der-layout.ts';
import { DerReader } from '../bytes/der-reader.ts';
import { contextConstructed, TAG } from '../bytes/der-tags.ts';
import { bitString, context, integer, octetString, sequence } from '../bytes/der-writer.ts';
import { KeyStoreError } from '../errors.ts';
import { FIELD_LENGTH, type Curve } from './algorithms.ts';
import { EC_ALGORITHM, POINT_LENGTH } from './spki.ts';

export interface EcPrivateKey {
  readonly curve: Curve;
  /** 04 ‖ X ‖ Y. Absent only where the PKCS#8 has none. */
  readonly point?: Uint8Array;
  /** d, big-endian, with leading zeros up to the length of the curve's field. */
  readonly privateKey: Uint8Array;
}

/** What an ECPrivateKey can hold beside d. */
export interface EcPrivateKeyParts {
  /** Views. d, big-endian; RFC 5915 wants leading zeros up to the length of the order, which not everybody writes. */
  readonly privateKey: Uint8Array;
  /** DER of the curve's object identifier. */
  readonly namedCurve?: Uint8Array;
  /** As in SubjectPublicKeyInfo. */
  readonly point?: Uint8Array;
}

/** Reads an ECPrivateKey that ends what `outer` is over, with or without its curve and its point. */
export function readEcPrivateKey(outer: DerReader): EcPrivateKeyParts {
  const r = outer.enter(TAG.SEQUENCE, 'ECPrivateKey');
  outer.end();
  r.expect(V1, 'version');
  const privateKey = r.octets('privateKey', { min: 1, max: MAX_PRIVATE_KEY });
  const namedCurve = r.peek() === PARAMETERS ? readNamedCurve(r) : undefined;
  const point = r.peek() === PUBLIC_KEY ? readPublicKey(r) : undefined;
  r.end();
  return { privateKey, ...(namedCurve && { namedCurve }), ...(point && { point }) };
}

/** Lays out an ECPrivateKey. */
export function ecPrivateKey({ privateKey, namedCurve, point }: EcPrivateKeyParts): DerPart {
  return derValue(
    TAG.SEQUENCE,
    V1,
    derValue(TAG.OCTET_STRING, privateKey),
    ...(namedCurve ? [derValue(PARAMETERS, namedCurve)] : []),
    ...(point ? [derValue(PUBLIC_KEY, bitString(point))] : []),
  );
}

/** Reads PKCS#8 of an EC key, with its point or without, in the one DER form of either: views of `der`. */
export function decodeEcPkcs8(der: Uint8Array): EcPrivateKey {
  const outer = new DerReader(der, 'PrivateKeyInfo');
  const info = outer.enter(TAG.SEQUENCE, 'PrivateKeyInfo');
  outer.end();
  info.expect(V0, 'version');
  const curve: Curve = info.accept(EC_ALGORITHM['P-256']) ? 'P-256' : 'P-384';
  if (curve === 'P-384')
    info.expect(EC_ALGORITHM['P-384'], 'algorithm', 'BLOB_ALGORITHM_UNSUPPORTED');
  const wrapper = info.enter(TAG.OCTET_STRING, 'privateKey');
  info.end();
  const r = wrapper.enter(TAG.SEQUENCE, 'ECPrivateKey');
  wrapper.end();
  r.expect(V1, 'version');
  const length = FIELD_LENGTH[curve];
  const privateKey = r.octets('privateKey', { min: length, max: length });
  const point = r.peek() === PUBLIC_KEY ? readPoint(r, curve) : undefined;
  r.end();
  return { curve, privateKey, ...(point && { point }) };
}

/** Bytes of the PKCS#8 of every key of this curve. */
export function ecPkcs8Length(curve: Curve): number {
  return TEMPLATE[curve].length;
}

/**
 * Writes PKCS#8 into `target`, which has exactly {@link ecPkcs8Length} bytes.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a target, a point or a private key of another length.
 */
export function encodeEcPkcs8Into(key: Required<EcPrivateKey>, target: Uint8Array): void {
  const { curve, point, privateKey } = key;
  const template = TEMPLATE[curve];
  checkLength('target', target, template.length);
  checkLength('point', point, POINT_LENGTH[curve]);
  checkLength('privateKey', privateKey, FIELD_LENGTH[curve]);
  const pointAt = template.length - POINT_LENGTH[curve];
  target.set(template);
  target.set(point, pointAt);
  target.set(privateKey, pointAt - PUBLIC_KEY_HEADER - FIELD_LENGTH[curve]);
}

function readPoint(r: DerReader, curve: Curve): Uint8Array {
  const point = readPublicKey(r);
  if (point.length !== POINT_LENGTH[curve] || point[0] !== 0x04)
    r.fail('publicKey', `want an uncompressed point of ${curve}`);
  return point;
}

function readPublicKey(r: DerReader): Uint8Array {
  const publicKey = r.enter(PUBLIC_KEY, 'publicKey');
  const bits = publicKey.read(TAG.BIT_STRING, 'publicKey');
  publicKey.end();
  if (bits.length < 2 || bits[0] !== 0) r.fail('publicKey', 'want whole bytes');
  return bits.subarray(1);
}

function readNamedCurve(r: DerReader): Uint8Array {
  const parameters = r.enter(PARAMETERS, 'parameters');
  const namedCurve = parameters.element(TAG.OBJECT_IDENTIFIER, 'namedCurve');
  parameters.end();
  return namedCurve;
}

function checkLength(name: string, bytes: Uint8Array, want: number): void {
  if (bytes.length !== want)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `${name}: want ${want} bytes, got ${bytes.length}`,
    );
}

/** The PKCS#8 of a curve with zeros for d and for the point. Lengths are the same for every key, so only these two are filled in. */
function templateOf(curve: Curve): Uint8Array {
  const publicKey = context(1, bitString(new Uint8Array(POINT_LENGTH[curve])));
  const key = sequence(V1, octetString(new Uint8Array(FIELD_LENGTH[curve])), publicKey);
  return sequence(V0, EC_ALGORITHM[curve], octetString(key));
}

const V0 = integer(0);
const V1 = integer(1);
const PARAMETERS = contextConstructed(0);
const PUBLIC_KEY = contextConstructed(1);
/** Of P-521. */
const MAX_PRIVATE_KEY = 66;
/** Tag and length of [1], tag and length of the BIT STRING, its count of unused bits. */
const PUBLIC_KEY_HEADER = 5;
const TEMPLATE = { 'P-256': templateOf('P-256'), 'P-384': templateOf('P-384') };
