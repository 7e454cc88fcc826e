/** encodeKeyPair: a key pair in any format that can hold it. */
import { pemLength, writePemInto } from '../bytes/pem.ts';
import { KeyStoreError } from '../errors.ts';
import { algIdsOf, encodeCapi } from './encode-capi.ts';
import { encodeCng } from './cng.ts';
import { KEY_PAIR_FORMATS, type KeyPairFormat, type KeyUse } from './formats.ts';
import { encodeJwk } from './jwk.ts';
import { isPrivateKeyPair, type KeyPair } from './key-pair.ts';
import { encodeDer, isDerFormat } from './pkcs.ts';

/** How to write a key pair. */
export interface EncodeKeyPairOptions {
  /**
   * What the key is for, in formats that say it: aiKeyAlg and keytype of CryptoAPI's RSA keys (default `exchange`), ECDH or ECDSA of CNG's EC
   * keys (default `signature`), `use` of a JWK (left out by default). DSA keys sign, Diffie-Hellman and X25519 keys are exchanged.
   */
  readonly keyUse?: KeyUse;
  /** aiKeyAlg, where it is to be another than `keyUse` says: CALG_DH_EPHEM. */
  readonly algId?: number;
  /** PEM instead of DER. Only formats of DER have it. */
  readonly pem?: boolean;
}

/**
 * Writes a key pair in a format.
 *
 * A format of a public key takes the public half. What a format has no field for is left out: a DSA seed, q of a Diffie-Hellman key.
 *
 * @param pair - Of {@link decodeKeyPair} or made of its numbers, {@link rsaKeyPair} and others. Left as it is.
 * @returns In a buffer of its own, which the caller owns, and wipes where it holds a private key.
 * @throws KeyStoreError NOT_SUPPORTED where the format cannot hold the key, with the reason: a private key of a public one, a key of another type, an
 * RSA exponent over 32 bits or primes of different lengths in a blob of Windows. PARAMETER_INVALID for options that the format does not have.
 * @example
 * ```ts
 * const blob = encodeKeyPair(pair, 'PRIVATEKEYBLOB', { keyUse: 'signature' });
 * ```
 */
export function encodeKeyPair(
  pair: KeyPair,
  format: KeyPairFormat,
  options: EncodeKeyPairOptions = {},
): Uint8Array {
  checkFormat(pair, format);
  checkOptions(pair, format, options);
  if (!isDerFormat(format)) return withReason(format, () => encodeOther(pair, format, options));
  const der = withReason(format, () => encodeDer(pair, format));
  if (!options.pem) return der;
  try {
    const label = KEY_PAIR_FORMATS[format].pemLabel!;
    const text = new Uint8Array(new ArrayBuffer(pemLength(label, der.length)));
    writePemInto({ label, der }, text);
    return text;
  } finally {
    der.fill(0);
  }
}

/** The formats that can hold this key by its type and half; whether its numbers fit, {@link encodeKeyPair} says. */
export function keyPairFormatsOf(pair: KeyPair): KeyPairFormat[] {
  const formats = Object.keys(KEY_PAIR_FORMATS) as KeyPairFormat[];
  return formats.filter((format) => reasonAgainst(pair, format) === undefined);
}

function encodeOther(
  pair: KeyPair,
  format: KeyPairFormat,
  { keyUse, algId }: EncodeKeyPairOptions,
): Uint8Array {
  const { family } = KEY_PAIR_FORMATS[format];
  if (family === 'capi')
    return encodeCapi(pair, format, {
      ...(keyUse && { keyUse }),
      ...(algId !== undefined && { algId }),
    });
  return family === 'cng' ? encodeCng(pair, format, keyUse) : encodeJwk(pair, keyUse);
}

function checkFormat(pair: KeyPair, format: KeyPairFormat): void {
  if (!Object.hasOwn(KEY_PAIR_FORMATS, format))
    throw new KeyStoreError('PARAMETER_INVALID', `format: keycask has no ${format}`);
  const reason = reasonAgainst(pair, format);
  if (reason !== undefined) throw new KeyStoreError('NOT_SUPPORTED', reason);
}

function checkOptions(
  { type }: KeyPair,
  format: KeyPairFormat,
  { pem, algId }: EncodeKeyPairOptions,
): void {
  if (pem && !isDerFormat(format))
    throw new KeyStoreError('PARAMETER_INVALID', `pem: there is no PEM form of ${format}`);
  if (algId === undefined) return;
  if (KEY_PAIR_FORMATS[format].family !== 'capi' || !algIdsOf(type).includes(algId))
    throw new KeyStoreError('PARAMETER_INVALID', `algId: no ${format} of ${type} has this one`);
}

/** Why a format cannot hold a key of this type and half. */
function reasonAgainst(pair: KeyPair, format: KeyPairFormat): string | undefined {
  const { half, types } = KEY_PAIR_FORMATS[format];
  if (!types.includes(pair.type))
    return `${format} holds keys of ${types.join(', ')}, and this is a key of ${pair.type}`;
  if (half === 'private' && !isPrivateKeyPair(pair))
    return `${format} holds a private key, and this is a public key`;
  return undefined;
}

/** A number without room in the format is no mistake of the caller's: that key has no such form. */
function withReason(format: KeyPairFormat, encode: () => Uint8Array): Uint8Array {
  try {
    return encode();
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'PARAMETER_INVALID') throw error;
    throw new KeyStoreError('NOT_SUPPORTED', `${format} cannot hold this key: ${error.message}`);
  }
}
