/** Key objects of a token: found by their attributes, and their public halves as SPKI. */
import type { Attribute, ObjectHandle } from '../../../native-bindings/pkcs11.ts';
import { CKA, CKK, CKO } from '../../../native-bindings/pkcs11-constants.ts';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { concatBytes, encodeUtf8, equalBytes } from '../../bytes/octets.ts';
import { OID } from '../../cms/oids.ts';
import { decodeSpki, encodeEcSpki, encodeRsaSpki, POINT_LENGTH } from '../../cms/spki.ts';
import type { Curve } from '../../cms/algorithms.ts';
import type { TokenSession } from './token-sessions.ts';

/** What a key object says of itself. */
export interface KeyObject {
  readonly handle: ObjectHandle;
  /** CKA_LABEL, UTF-8. */
  readonly label: string;
  /** CKA_ID: which objects belong together. */
  readonly id: Uint8Array;
  readonly isRsa: boolean;
  /** Of a private key: what the token lets it do. */
  readonly can: {
    readonly sign: boolean;
    readonly decrypt: boolean;
    readonly unwrap: boolean;
    readonly derive: boolean;
  };
}

/** Private keys on the token that have these attributes; of other algorithms than RSA and EC none. */
export async function findPrivateKeys(
  session: TokenSession,
  attributes: readonly Attribute[],
): Promise<KeyObject[]> {
  return findKeys(session, [[CKA.CLASS, CKO.PRIVATE_KEY], [CKA.TOKEN, true], ...attributes]);
}

/** Public keys on the token that have these attributes. */
export async function findPublicKeys(
  session: TokenSession,
  attributes: readonly Attribute[],
): Promise<KeyObject[]> {
  return findKeys(session, [[CKA.CLASS, CKO.PUBLIC_KEY], [CKA.TOKEN, true], ...attributes]);
}

export function labelled(label: string): Attribute {
  return [CKA.LABEL, encodeUtf8(label)];
}

/** Destroys every object of a class that has these attributes. */
// oxlint-disable-next-line max-params -- what, and of which kind
export async function destroyObjects(
  { api, handle }: TokenSession,
  objectClass: number,
  attributes: readonly Attribute[],
): Promise<void> {
  const wanted: Attribute[] = [[CKA.CLASS, objectClass], [CKA.TOKEN, true], ...attributes];
  for (const object of await api.findObjects(handle, wanted))
    await api.destroyObject(handle, object);
}

async function findKeys(
  { api, handle, find }: TokenSession,
  template: readonly Attribute[],
): Promise<KeyObject[]> {
  const keys: KeyObject[] = [];
  for (const object of await find(template)) {
    const [type, label, id, ...usages] = await api.attributes(handle, object, DESCRIPTION);
    const keyType = type?.[0];
    if (keyType !== CKK.RSA && keyType !== CKK.EC) continue;
    const [sign, decrypt, unwrap, derive] = usages.map((usage) => usage?.[0] === 1);
    const can = { sign: sign!, decrypt: decrypt!, unwrap: unwrap!, derive: derive! };
    keys.push({
      handle: object,
      label: new TextDecoder().decode(label),
      id: id ?? new Uint8Array(0),
      isRsa: keyType === CKK.RSA,
      can,
    });
  }
  return keys;
}

/**
 * SPKI of a key object, public or private, as far as it has the numbers.
 *
 * @returns undefined where it has not, and for a size or curve that keycask does not know.
 */
export async function readSpki(
  { api, handle }: TokenSession,
  { handle: object, isRsa }: Pick<KeyObject, 'handle' | 'isRsa'>,
): Promise<Uint8Array | undefined> {
  if (isRsa) {
    const [modulus, exponent] = await api.attributes(handle, object, RSA_NUMBERS);
    return modulus && exponent && rsaSpki(modulus, exponent);
  }
  const [parameters, point] = await api.attributes(handle, object, EC_NUMBERS);
  return parameters && point && ecSpki(parameters, point);
}

/** CKA_EC_PARAMS of a curve. */
export function curveParameters(curve: Curve): Uint8Array {
  return CURVES[curve];
}

function rsaSpki(modulus: Uint8Array, exponent: Uint8Array): Uint8Array | undefined {
  const significant = modulus.subarray(modulus.findIndex((byte) => byte !== 0));
  // Of a number of bits that is no multiple of 8, keycask has no use.
  if ((significant[0] ?? 0) < 0x80 || exponent.length > MOST_EXPONENT) return undefined;
  return known(
    encodeRsaSpki(
      significant,
      exponent.reduce((sum, byte) => sum * 256 + byte, 0),
    ),
  );
}

function ecSpki(parameters: Uint8Array, encoded: Uint8Array): Uint8Array | undefined {
  for (const curve of ['P-256', 'P-384'] as const) {
    if (!equalBytes(parameters, CURVES[curve])) continue;
    const point = pointOf(encoded, POINT_LENGTH[curve]);
    return point && encodeEcSpki(curve, point);
  }
  return undefined;
}

/** An OCTET STRING of the point, as PKCS #11 2.20 and later have it; some modules give the point alone. */
function pointOf(encoded: Uint8Array, length: number): Uint8Array | undefined {
  if (encoded.length === length) return encoded;
  try {
    const reader = new DerReader(encoded, 'CKA_EC_POINT');
    const point = reader.read(TAG.OCTET_STRING, 'ECPoint');
    reader.end();
    return point.length === length ? concatBytes(point) : undefined;
  } catch {
    return undefined;
  }
}

function known(spki: Uint8Array): Uint8Array | undefined {
  try {
    decodeSpki(spki);
    return spki;
  } catch {
    return undefined;
  }
}

const CURVES: Readonly<Record<Curve, Uint8Array>> = {
  'P-256': OID.p256,
  'P-384': OID.p384,
};
const DESCRIPTION = [
  CKA.KEY_TYPE,
  CKA.LABEL,
  CKA.ID,
  CKA.SIGN,
  CKA.DECRYPT,
  CKA.UNWRAP,
  CKA.DERIVE,
];
const RSA_NUMBERS = [CKA.MODULUS, CKA.PUBLIC_EXPONENT];
const EC_NUMBERS = [CKA.EC_PARAMS, CKA.EC_POINT];
/** Bytes: what a number of JavaScript's holds exactly, and no public exponent exceeds. */
const MOST_EXPONENT = 4;
