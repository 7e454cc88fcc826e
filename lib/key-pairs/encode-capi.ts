/** Key pairs written as CryptoAPI's blobs. Layouts are in lib/blobs. */
import { ALG_ID } from '../blobs/alg-id.ts';
import { encodeDhPrivateKeyBlob, encodeDhPublicKeyBlob } from '../blobs/dh-key-blob.ts';
import { encodeDssPrivateKeyBlob, encodeDssPublicKeyBlob } from '../blobs/dss-key-blob.ts';
import { encodePrivateKeyBlob } from '../blobs/private-key-blob.ts';
import { encodePublicKeyBlob } from '../blobs/public-key-blob.ts';
import { encodePvk } from '../blobs/pvk.ts';
import { bitLength, MAX_RSA_BITS, MIN_RSA_BITS } from '../blobs/rsa-bounds.ts';
import { encodeStrongNamePublicKey } from '../blobs/strong-name-public-key.ts';
import { encodeVer3PrivateKeyBlob, encodeVer3PublicKeyBlob } from '../blobs/ver3-key-blob.ts';
import type { DhKeyPair, DsaKeyPair } from './discrete-log-key-pair.ts';
import type { KeyPairFormat, KeyUse } from './formats.ts';
import { exponentNumber, refuse } from './key-numbers.ts';
import type { KeyPair } from './key-pair.ts';
import type { RsaKeyPair } from './rsa-key-pair.ts';

/** What a blob of CryptoAPI's says of a key beside its numbers. */
export interface EncodeCapiOptions {
  readonly keyUse?: KeyUse;
  readonly algId?: number;
}

/** Writes a key that is known to fit the format by its type and half. */
export function encodeCapi(
  pair: KeyPair,
  format: KeyPairFormat,
  options: EncodeCapiOptions,
): Uint8Array {
  if (format === 'PVK') return encodePvkFile(pair, options);
  if (format === 'StrongNamePublicKey') return encodeStrongName(pair as RsaKeyPair, options);
  const algId = algIdOf(pair, options);
  if (pair.type === 'RSA') return encodeRsa(pair, format, algId);
  const key = pair as DsaKeyPair | DhKeyPair;
  if (format.endsWith('VER3')) return encodeVer3(key, format, algId);
  return key.type === 'DSA' ? encodeDss(key, format, algId) : encodeDh(key, format, algId);
}

/** What aiKeyAlg of a key of this type can be. */
export function algIdsOf(type: KeyPair['type']): readonly number[] {
  return type === 'EC' || type === 'X25519' ? [] : ALG_IDS[type];
}

function encodePvkFile(pair: KeyPair, options: EncodeCapiOptions): Uint8Array {
  const keyBlob = encodeCapi(pair, 'PRIVATEKEYBLOB', options);
  try {
    const isForExchange = algIdOf(pair, options) === ALG_ID.CALG_RSA_KEYX;
    const keySpec = isForExchange ? AT_KEYEXCHANGE : AT_SIGNATURE;
    return encodePvk({ keySpec, encryptedFlag: 0, salt: new Uint8Array(0), keyBlob });
  } finally {
    keyBlob.fill(0);
  }
}

/** Strong names are signatures, with SHA-1 unless an assembly says more. */
function encodeStrongName(pair: RsaKeyPair, options: EncodeCapiOptions): Uint8Array {
  const algId = algIdOf(pair, { keyUse: 'signature', ...options });
  return encodeStrongNamePublicKey({
    signatureAlgId: ALG_ID.CALG_RSA_SIGN,
    hashAlgId: ALG_ID.CALG_SHA1,
    publicKey: { type: 'PUBLICKEYBLOB', ...rsaPublicOf(pair, algId) },
  });
}

/** aiKeyAlg. */
function algIdOf({ type }: KeyPair, { keyUse, algId }: EncodeCapiOptions): number {
  const [usual, signature] = algIdsOf(type);
  return algId ?? (type === 'RSA' && keyUse === 'signature' ? signature! : usual!);
}

function encodeRsa(pair: RsaKeyPair, format: KeyPairFormat, algId: number): Uint8Array {
  const key = rsaPublicOf(pair, algId);
  return format === 'PUBLICKEYBLOB'
    ? encodePublicKeyBlob(key)
    : encodePrivateKeyBlob({ ...key, ...pair.privateNumbers! });
}

function rsaPublicOf({ modulusBits, modulus, publicExponent }: RsaKeyPair, algId: number) {
  if (modulusBits < MIN_RSA_BITS || modulusBits > MAX_RSA_BITS)
    refuse('modulus', `want ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`);
  return { algId, modulusBits, modulus, exponent: exponentNumber(publicExponent) };
}

function encodeDss(pair: DsaKeyPair, format: KeyPairFormat, algId: number): Uint8Array {
  const group = {
    algId,
    primeBits: bitLength(pair.p),
    prime: pair.p,
    subprime: pair.q,
    generator: pair.g,
    ...seedOf(pair),
  };
  if (format === 'PUBLICKEYBLOB')
    return encodeDssPublicKeyBlob({ ...group, publicKey: pair.publicKey });
  return encodeDssPrivateKeyBlob({ ...group, privateKey: pair.privateKey! });
}

function encodeDh(pair: DhKeyPair, format: KeyPairFormat, algId: number): Uint8Array {
  const { p: prime, g: generator, publicKey, privateKey } = pair;
  const primeBits = bitLength(prime);
  if (format === 'PUBLICKEYBLOB') return encodeDhPublicKeyBlob({ algId, primeBits, publicKey });
  return encodeDhPrivateKeyBlob({ algId, primeBits, prime, generator, privateKey: privateKey! });
}

function encodeVer3(
  pair: DsaKeyPair | DhKeyPair,
  format: KeyPairFormat,
  algId: number,
): Uint8Array {
  const { type, p, q, g, publicKey, privateKey } = pair;
  const j = pair.type === 'DH' ? pair.j : undefined;
  const key = {
    algorithm: type === 'DSA' ? ('DSS' as const) : ('DH' as const),
    algId,
    primeBits: bitLength(p),
    subprimeBits: q ? bitLength(q) : 0,
    cofactorBits: j ? bitLength(j) : 0,
    prime: p,
    generator: g,
    publicKey,
    ...(q && { subprime: q }),
    ...(j && { cofactor: j }),
    ...seedOf(pair),
  };
  if (format === 'PUBLICKEYBLOB_VER3') return encodeVer3PublicKeyBlob(key);
  const secret = { privateKey: privateKey!, privateKeyBits: bitLength(privateKey!) };
  return encodeVer3PrivateKeyBlob({ ...key, ...secret });
}

/** DSSSEED is of SHA-1; longer seeds, and those of other hashes, have no room in it. */
function seedOf({ validation }: DsaKeyPair | DhKeyPair): {
  readonly seed?: { readonly counter: number; readonly seed: Uint8Array };
} {
  if (validation?.seed.length !== 20 || (validation.hashAlgorithm ?? 'SHA1') !== 'SHA1') return {};
  return { seed: { counter: validation.counter, seed: validation.seed } };
}

/** keytype of a PVK file (wincrypt.h). */
const AT_KEYEXCHANGE = 1;
const AT_SIGNATURE = 2;
/** What aiKeyAlg can be: the one for key exchange first, or the usual one. */
const ALG_IDS = {
  RSA: [ALG_ID.CALG_RSA_KEYX, ALG_ID.CALG_RSA_SIGN],
  DSA: [ALG_ID.CALG_DSS_SIGN],
  DH: [ALG_ID.CALG_DH_SF, ALG_ID.CALG_DH_EPHEM],
} as const;
