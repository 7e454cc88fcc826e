/**
 * Ephemeral-static ECDH with the X9.63 KDF and AES-256 key wrap: dhSinglePass-stdDH-sha256kdf-scheme for P-256,
 * sha384kdf for P-384 (RFC 5753 section 3.1).
 *
 * On createECDH: it takes points as bytes. A KeyObject for each sender's point doubles the time of a P-256 unwrap.
 */
import { createECDH, type ECDH, type KeyObject } from 'node:crypto';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { plainBytes } from '../bytes/octets.ts';
import type { Curve } from '../cms/algorithms.ts';
import { POINT_LENGTH } from '../cms/spki.ts';
import { KeyStoreError } from '../errors.ts';
import { unwrapAesKey, wrapAesKey } from './aes-key-wrap.ts';
import { SecretBytes } from './secret-bytes.ts';
import { x963Kdf } from './x963-kdf.ts';

/** Whom a key is wrapped for. */
export interface EcdhPublicKey {
  readonly curve: Curve;
  /** 04 ‖ X ‖ Y */
  readonly point: Uint8Array;
}

export interface EcdhWrapped {
  /** The sender's ephemeral point, uncompressed. */
  readonly ephemeralPublicKey: Uint8Array;
  /** 8 bytes longer than the key. */
  readonly encryptedKey: Uint8Array;
}

let ecdhOf: (key: EcdhPrivateKey) => ECDH;

/** A private key made ready for many agreements. Its number lies in OpenSSL's memory, as a KeyObject's does. */
export class EcdhPrivateKey {
  readonly curve: Curve;
  readonly #ecdh: ECDH;

  private constructor(curve: Curve, ecdh: ECDH) {
    this.curve = curve;
    this.#ecdh = ecdh;
  }

  /**
   * @param privateKey - An EC key of P-256 or P-384.
   * @throws KeyStoreError PARAMETER_INVALID for any other.
   */
  static from(privateKey: KeyObject): EcdhPrivateKey {
    const curve = CURVE_OF[privateKey.asymmetricKeyDetails?.namedCurve ?? ''];
    if (privateKey.type !== 'private' || curve === undefined)
      throw new KeyStoreError('PARAMETER_INVALID', 'want a private key of P-256 or P-384');
    const der = privateKey.export({ format: 'der', type: 'sec1' });
    try {
      // ECPrivateKey ::= SEQUENCE { version 1, privateKey OCTET STRING, ... }   RFC 5915
      const fields = new DerReader(der, 'ECPrivateKey').enter(TAG.SEQUENCE, 'ECPrivateKey');
      fields.integer('version', { min: 1, max: 1 });
      const ecdh = createECDH(OPENSSL_NAME[curve]);
      ecdh.setPrivateKey(fields.octets('privateKey'));
      return new EcdhPrivateKey(curve, ecdh);
    } finally {
      der.fill(0);
    }
  }

  static {
    ecdhOf = (key) => key.#ecdh;
  }
}

/**
 * Wraps a key for the owner of a point, with a fresh ephemeral key.
 *
 * @param key - At least 16 bytes, a multiple of 8.
 * @param sharedInfo - DER of ECC-CMS-SharedInfo.
 * @throws KeyStoreError PARAMETER_INVALID where the point is not an uncompressed one of the curve.
 */
export function wrapEcdh(
  recipient: EcdhPublicKey,
  key: SecretBytes,
  sharedInfo: Uint8Array,
): EcdhWrapped {
  const { curve, point } = recipient;
  const ephemeral = createECDH(OPENSSL_NAME[curve]);
  const ephemeralPublicKey = plainBytes(ephemeral.generateKeys());
  using shared = agree(ephemeral, curve, point, 'PARAMETER_INVALID');
  using kek = x963Kdf(KDF_HASH[curve], shared.bytes, sharedInfo, KEK_LENGTH);
  return { ephemeralPublicKey, encryptedKey: wrapAesKey(kek.bytes, key) };
}

/**
 * Unwraps what {@link wrapEcdh} made.
 *
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) whatever does not fit, a point off the curve included.
 */
export function unwrapEcdh(
  privateKey: EcdhPrivateKey,
  wrapped: EcdhWrapped & { readonly sharedInfo: Uint8Array },
): SecretBytes {
  const { curve } = privateKey;
  using shared = ecdhSharedSecret(privateKey, wrapped.ephemeralPublicKey);
  using kek = x963Kdf(KDF_HASH[curve], shared.bytes, wrapped.sharedInfo, KEK_LENGTH);
  return unwrapAesKey(kek.bytes, wrapped.encryptedKey);
}

/**
 * The X coordinate that both sides compute. It never leaves the provider.
 *
 * @throws KeyStoreError KEY_UNWRAP_FAILED where `point` is not an uncompressed one of the private key's curve.
 */
export function ecdhSharedSecret(privateKey: EcdhPrivateKey, point: Uint8Array): SecretBytes {
  return agree(ecdhOf(privateKey), privateKey.curve, point, 'KEY_UNWRAP_FAILED');
}

/**
 * The public point of a private number, for PKCS#8 that has none.
 *
 * @param privateKey - d, as long as the curve's field. The caller still owns, and wipes, it.
 * @returns 04 ‖ X ‖ Y
 * @throws KeyStoreError BLOB_MALFORMED where d is zero or not under the curve's order.
 */
export function ecPublicPoint(curve: Curve, privateKey: Uint8Array): Uint8Array {
  const ecdh = createECDH(OPENSSL_NAME[curve]);
  try {
    ecdh.setPrivateKey(privateKey);
  } catch {
    throw new KeyStoreError('BLOB_MALFORMED', `not a private key of ${curve}`);
  }
  return plainBytes(ecdh.getPublicKey());
}

// oxlint-disable-next-line max-params -- both halves, and whose fault a bad one is
function agree(
  ecdh: ECDH,
  curve: Curve,
  point: Uint8Array,
  code: 'PARAMETER_INVALID' | 'KEY_UNWRAP_FAILED',
): SecretBytes {
  // OpenSSL would take compressed and hybrid points too; one encoding is enough.
  if (point.length !== POINT_LENGTH[curve] || point[0] !== UNCOMPRESSED) refuse(curve, code);
  try {
    // OpenSSL checks that the point lies on the curve; the cofactor of both curves is 1.
    return SecretBytes.take(ecdh.computeSecret(point));
  } catch {
    return refuse(curve, code);
  }
}

function refuse(curve: Curve, code: 'PARAMETER_INVALID' | 'KEY_UNWRAP_FAILED'): never {
  throw code === 'KEY_UNWRAP_FAILED'
    ? new KeyStoreError(code)
    : new KeyStoreError(code, `want an uncompressed point of ${curve}`);
}

const UNCOMPRESSED = 0x04;
/** aes256-wrap */
const KEK_LENGTH = 32;
const KDF_HASH = { 'P-256': 'sha256', 'P-384': 'sha384' } as const;
const OPENSSL_NAME = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' } as const;
const CURVE_OF: Readonly<Record<string, Curve>> = { prime256v1: 'P-256', secp384r1: 'P-384' };
