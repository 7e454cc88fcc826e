/** Key pairs in CNG's blobs. Layouts are in lib/blobs. */
import { decodeCngBlob, type CngBlob } from '../blobs/cng-blob.ts';
import { encodeDhPrivateBlob, encodeDhPublicBlob } from '../blobs/cng-dh-blob.ts';
import {
  encodeDsaPrivateBlob,
  encodeDsaPublicBlob,
  type DsaDomain,
} from '../blobs/cng-dsa-blob.ts';
import {
  encodeEccPrivateBlob,
  encodeEccPublicBlob,
  type EccPublicBlob,
} from '../blobs/cng-ecc-blob.ts';
import {
  encodeEccFullPrivateBlob,
  encodeEccFullPublicBlob,
  type EccFullPublicBlob,
} from '../blobs/cng-ecc-full-blob.ts';
import {
  encodeRsaFullPrivateBlob,
  encodeRsaPrivateBlob,
  encodeRsaPublicBlob,
  type RsaPublicBlob,
} from '../blobs/cng-rsa-blob.ts';
import { BlobFormatError } from '../errors.ts';
import { fromBigInt, toBigInt } from './big-numbers.ts';
import { EC_CURVES, type EcCurveName } from './curves.ts';
import type { DecodedKeyPair } from './decoded-key-pair.ts';
import {
  dhKeyPair,
  dsaKeyPair,
  type DomainValidation,
  type DsaKeyPair,
} from './discrete-log-key-pair.ts';
import { ecKeyPair, x25519KeyPair, type EcKeyPair, type X25519KeyPair } from './ec-key-pair.ts';
import type { KeyPairFormat, KeyUse } from './formats.ts';
import { exponentBytes, exponentNumber, padded } from './key-numbers.ts';
import type { KeyPair } from './key-pair.ts';
import { rsaKeyPair, type RsaKeyPair } from './rsa-key-pair.ts';

/** Reads a blob of CNG's of a key pair. */
export function decodeCng(bytes: Uint8Array): DecodedKeyPair {
  const blob = decodeCngBlob(bytes);
  // Not `using`: browsers that have no Symbol.dispose would refuse it.
  try {
    return read(blob);
  } finally {
    blob[Symbol.dispose]();
  }
}

/** Writes a key that is known to fit the format by its type and half. */
export function encodeCng(pair: KeyPair, format: KeyPairFormat, keyUse?: KeyUse): Uint8Array {
  switch (pair.type) {
    case 'RSA':
      return encodeRsa(pair, format);
    case 'EC':
    case 'X25519':
      return encodeEcc(pair, format, keyUse);
    case 'DSA':
      return encodeDsa(pair, format);
    case 'DH': {
      const { p, g, publicKey: y, privateKey: x } = pair;
      return format === 'DHPUBLICBLOB'
        ? encodeDhPublicBlob({ p, g, y })
        : encodeDhPrivateBlob({ p, g, y, x: x! });
    }
  }
}

function encodeDsa(pair: DsaKeyPair, format: KeyPairFormat): Uint8Array {
  const { publicKey: y, privateKey: x } = pair;
  const domain = dsaDomainOf(pair);
  return format === 'DSAPUBLICBLOB'
    ? encodeDsaPublicBlob({ ...domain, y })
    : encodeDsaPrivateBlob({ ...domain, y, x: x! });
}

function read(blob: CngBlob): DecodedKeyPair {
  if (isOf(blob, RSA_BLOBS)) {
    const pair = rsaKeyPair({ ...blob, publicExponent: exponentBytes(blob.exponent) });
    return { pair, format: blob.type, details: {} };
  }
  if (isOf(blob, ECC_BLOBS))
    return { pair: eccPair(blob), format: blob.type, details: { keyUse: useOf(blob) } };
  if (isOf(blob, ECC_FULL_BLOBS))
    return { pair: eccFullPair(blob), format: blob.type, details: { keyUse: useOf(blob) } };
  if (isOf(blob, DSA_BLOBS)) return { pair: dsaPair(blob), format: blob.type, details: {} };
  if (isOf(blob, DH_BLOBS)) {
    const { p, g, y: publicKey } = blob;
    const secret = blob.type === 'DHPRIVATEBLOB' ? { privateKey: blob.x } : {};
    const pair = dhKeyPair({ p, g, publicKey, ...secret });
    return { pair, format: blob.type, details: {} };
  }
  return unsupported(blob.type, 'dwMagic', 'not a key pair that keycask converts');
}

function encodeRsa(pair: RsaKeyPair, format: KeyPairFormat): Uint8Array {
  const { modulusBits, modulus, privateNumbers } = pair;
  const key: Omit<RsaPublicBlob, 'type'> = {
    modulusBits,
    modulus,
    exponent: exponentNumber(pair.publicExponent),
  };
  if (format === 'RSAPUBLICBLOB') return encodeRsaPublicBlob(key);
  const whole = { ...key, ...privateNumbers! };
  return format === 'RSAPRIVATEBLOB'
    ? encodeRsaPrivateBlob(whole)
    : encodeRsaFullPrivateBlob(whole);
}

function encodeEcc(
  pair: EcKeyPair | X25519KeyPair,
  format: KeyPairFormat,
  keyUse: KeyUse | undefined,
): Uint8Array {
  const key = pair.type === 'EC' ? pair : genericOf(pair);
  const algorithm = pair.type === 'X25519' || keyUse === 'exchange' ? 'ECDH' : 'ECDSA';
  const { curve, x, y } = key;
  const privateKey = pair.privateKey!;
  if (format === 'ECCPUBLICBLOB') return encodeEccPublicBlob({ algorithm, curve, x, y });
  if (format === 'ECCPRIVATEBLOB')
    return encodeEccPrivateBlob({ algorithm, curve, x, y, privateKey });
  const full = { algorithm, ...fullCurve(pair as EcKeyPair), x, y } as const;
  return format === 'ECCFULLPUBLICBLOB'
    ? encodeEccFullPublicBlob(full)
    : encodeEccFullPrivateBlob({ ...full, privateKey });
}

/** CNG's form of curve25519: X is u as RFC 7748 writes it, Y is zero. No blob of Windows' own has been seen. */
function genericOf({ publicKey }: X25519KeyPair): Pick<EccPublicBlob, 'curve' | 'x' | 'y'> {
  return { curve: 'generic', x: publicKey, y: new Uint8Array(32) };
}

type BlobOf<Type extends CngBlob['type']> = Extract<CngBlob, { readonly type: Type }>;
type EccBlob = BlobOf<(typeof ECC_BLOBS)[number]>;
type EccFullBlob = BlobOf<(typeof ECC_FULL_BLOBS)[number]>;

function isOf<Type extends CngBlob['type']>(
  blob: CngBlob,
  types: readonly Type[],
): blob is BlobOf<Type> {
  return (types as readonly string[]).includes(blob.type);
}

function eccPair(blob: EccBlob): KeyPair {
  const { type, curve, x, y } = blob;
  const secret = blob.type === 'ECCPRIVATEBLOB' ? { privateKey: blob.privateKey } : {};
  if (curve !== 'generic') return ecKeyPair({ curve, x, y, ...secret });
  if (blob.algorithm === 'ECDH' && x.length === 32 && y.every((byte) => byte === 0))
    return x25519KeyPair({ publicKey: x, ...secret });
  return unsupported(type, 'dwMagic', 'a curve that the blob does not name');
}

function eccFullPair(blob: EccFullBlob): KeyPair {
  const { type, x, y } = blob;
  const names = Object.keys(EC_CURVES) as EcCurveName[];
  const curve = names.find((name) => isCurve(blob, name));
  if (curve === undefined)
    return unsupported(type, 'P', 'not the numbers of P-256, P-384 or P-521');
  const secret = blob.type === 'ECCFULLPRIVATEBLOB' ? { privateKey: blob.privateKey } : {};
  return ecKeyPair({ curve, x, y, ...secret });
}

function isCurve(blob: EccFullBlob, name: EcCurveName): boolean {
  const { prime, b, baseX, baseY, order } = EC_CURVES[name];
  const want = [prime, prime - 3n, b, baseX, baseY, order, 1n];
  const have = [blob.p, blob.a, blob.b, blob.gx, blob.gy, blob.order, blob.cofactor].map(toBigInt);
  return blob.curveType === 'shortWeierstrass' && want.every((number, i) => number === have[i]);
}

function fullCurve({
  curve,
}: EcKeyPair): Omit<EccFullPublicBlob, 'type' | 'algorithm' | 'x' | 'y'> {
  const { fieldLength, prime, b, baseX, baseY, order } = EC_CURVES[curve];
  return {
    curve: 'generic',
    curveType: 'shortWeierstrass',
    curveGenerationAlgId: 0,
    p: fromBigInt(prime, fieldLength),
    a: fromBigInt(prime - 3n, fieldLength),
    b: fromBigInt(b, fieldLength),
    gx: fromBigInt(baseX, fieldLength),
    gy: fromBigInt(baseY, fieldLength),
    order: fromBigInt(order, fieldLength),
    cofactor: Uint8Array.of(1),
    seed: new Uint8Array(0),
  };
}

function useOf({ algorithm }: Pick<EccPublicBlob, 'algorithm'>): KeyUse {
  return algorithm === 'ECDH' ? 'exchange' : 'signature';
}

function dsaPair(blob: BlobOf<'DSAPUBLICBLOB' | 'DSAPRIVATEBLOB'>): KeyPair {
  const { p, q, g, y: publicKey, seed, count: counter, hashAlgorithm, standardVersion } = blob;
  const made: DomainValidation =
    blob.version === 1 ? { seed, counter } : { seed, counter, hashAlgorithm, standardVersion };
  return dsaKeyPair({
    p,
    q,
    g,
    publicKey,
    ...(blob.type === 'DSAPRIVATEBLOB' && { privateKey: blob.x }),
    ...(isKnown(made) && { validation: made }),
  });
}

/** A count and a seed of FF alone mean that there are none. */
function isKnown({ seed, counter }: DomainValidation): boolean {
  return counter !== NO_COUNT || seed.some((byte) => byte !== 0xff);
}

/** Version 1 where it has room. */
function dsaDomainOf({ p, q, g, validation }: DsaKeyPair): DsaDomain {
  const { seed, counter, hashAlgorithm = 'SHA1', standardVersion } = validation ?? {};
  const isFirst =
    p.length <= 128 &&
    q.length <= 20 &&
    (seed?.length ?? 20) === 20 &&
    hashAlgorithm === 'SHA1' &&
    standardVersion !== 'FIPS186-3';
  if (isFirst)
    return {
      version: 1,
      hashAlgorithm: 'SHA1',
      standardVersion: 'FIPS186-2',
      p,
      q: padded('q', q, 20),
      g,
      count: counter ?? NO_COUNT,
      seed: seed ?? new Uint8Array(20).fill(0xff),
    };
  return {
    version: 2,
    p,
    q,
    g,
    count: counter ?? NO_COUNT,
    hashAlgorithm: validation?.hashAlgorithm ?? hashFor(q),
    standardVersion: standardVersion ?? 'FIPS186-3',
    seed: seed ?? new Uint8Array(q.length).fill(0xff),
  };
}

/** The hash that makes a q of this length, as .NET chooses it. */
function hashFor({ length }: Uint8Array): DsaDomain['hashAlgorithm'] {
  if (length <= 20) return 'SHA1';
  return length <= 32 ? 'SHA256' : 'SHA512';
}

function unsupported(format: string, field: string, problem: string): never {
  throw new BlobFormatError({ format, field, offset: 0, problem }, 'BLOB_ALGORITHM_UNSUPPORTED');
}

const RSA_BLOBS = ['RSAPUBLICBLOB', 'RSAPRIVATEBLOB', 'RSAFULLPRIVATEBLOB'] as const;
const ECC_BLOBS = ['ECCPUBLICBLOB', 'ECCPRIVATEBLOB'] as const;
const ECC_FULL_BLOBS = ['ECCFULLPUBLICBLOB', 'ECCFULLPRIVATEBLOB'] as const;
const DSA_BLOBS = ['DSAPUBLICBLOB', 'DSAPRIVATEBLOB'] as const;
const DH_BLOBS = ['DHPUBLICBLOB', 'DHPRIVATEBLOB'] as const;
/** Count where it is not known. */
const NO_COUNT = 0xffffffff;
