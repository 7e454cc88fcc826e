/** Reading, writing and checking private keys in this process. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { encodeUtf8, plainBytes } from '../../bytes/octets.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type { LegacyKeySpec } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';

/** Sizes that are made; bits. */
export const RSA_LENGTHS = [2048, 3072, 4096] as const;
export const DEFAULT_RSA_LENGTH = 3072;
/** Sizes that are brought in: old containers hold 1024 bits, and one must be able to open what they wrapped. */
const IMPORTED_RSA_BITS = { min: 1024, max: 16384 };

/**
 * Reads PKCS#8 DER and proves that the two halves belong together.
 *
 * @throws KeyStoreError BLOB_MALFORMED, ALGORITHM_UNSUPPORTED for another algorithm, curve or size.
 */
export function importPrivateKey(pkcs8: SecretBytes): KeyObject {
  requireOneValue(pkcs8.bytes);
  const privateKey = readPkcs8(pkcs8);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = privateKey;
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    const { min, max } = IMPORTED_RSA_BITS;
    if (bits < min || bits > max || bits % 8 !== 0)
      throw new KeyStoreError('ALGORITHM_UNSUPPORTED', `RSA keys have ${min} to ${max} bits`);
  } else if (type !== 'ec' || !CURVES.has(details?.namedCurve ?? '')) {
    throw new KeyStoreError('ALGORITHM_UNSUPPORTED', 'want a key of RSA, P-256 or P-384');
  }
  requirePair(privateKey);
  return privateKey;
}

/** Reads PKCS#8 DER that a seal protected. */
export function readPkcs8(pkcs8: SecretBytes): KeyObject {
  const { buffer, byteOffset, length } = pkcs8.bytes;
  try {
    // A view, not a copy: OpenSSL reads from it.
    const key = Buffer.from(buffer, byteOffset, length);
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } catch {
    throw new KeyStoreError('BLOB_MALFORMED', 'not a private key in PKCS#8 DER');
  }
}

/** PKCS#8 DER, as OpenSSL writes it. */
export function exportPkcs8(privateKey: KeyObject): SecretBytes {
  return SecretBytes.take(privateKey.export({ format: 'der', type: 'pkcs8' }));
}

/** SPKI DER. */
export function publicKeyOf(privateKey: KeyObject): Uint8Array {
  const spki = plainBytes(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  decodeSpki(spki);
  return spki;
}

/**
 * CNG's name of an imported key. PKCS#8 does not tell ECDH from ECDSA: the spec does.
 *
 * @throws KeyStoreError PARAMETER_INVALID for an EC key without a spec.
 */
export function algorithmOf(privateKey: KeyObject, spec: LegacyKeySpec): KeyAlgorithm {
  if (privateKey.asymmetricKeyType === 'rsa') return 'RSA';
  const curve = privateKey.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'P384' : 'P256';
  if (spec === 'none')
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'whether an EC key agrees or signs is told by AT_KEYEXCHANGE or AT_SIGNATURE',
    );
  return spec === 'AT_SIGNATURE' ? `ECDSA_${curve}` : `ECDH_${curve}`;
}

/** OpenSSL would overlook what follows the key. */
function requireOneValue(der: Uint8Array): void {
  const reader = new DerReader(der, 'PrivateKeyInfo');
  reader.read(TAG.SEQUENCE, 'PrivateKeyInfo');
  reader.end();
}

/** Signs and verifies once: a public half of another key, or a broken CRT part, shows. */
function requirePair(privateKey: KeyObject): void {
  try {
    const signature = sign('sha256', PROBE, privateKey);
    if (verify('sha256', PROBE, createPublicKey(privateKey), signature)) return;
  } catch {
    // The same answer: what is wrong inside a private key is not told.
  }
  throw new KeyStoreError('BLOB_MALFORMED', 'the private key does not fit its public half');
}

/** OpenSSL's names of P-256 and P-384. */
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1']);
const PROBE = encodeUtf8('keycask: do both halves of this key belong together?');
