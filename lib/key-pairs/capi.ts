/** Key pairs in CryptoAPI's blobs. Layouts are in lib/blobs. */
import { ALG_ID } from '../blobs/alg-id.ts';
import { decodeKeyBlob, type KeyBlob } from '../blobs/key-blob.ts';
import { BLOB_TYPE } from '../blobs/key-blob-header.ts';
import type { DecodePrivateKeyBlobOptions } from '../blobs/private-key-blob.ts';
import { decodePvk } from '../blobs/pvk.ts';
import { decodeStrongNamePublicKey } from '../blobs/strong-name-public-key.ts';
import { BlobFormatError } from '../errors.ts';
import { dhKeyPair, dsaKeyPair } from './discrete-log-key-pair.ts';
import type { DecodedKeyPair, KeyPairDetails } from './decoded-key-pair.ts';
import type { KeyPairFormat } from './formats.ts';
import { exponentBytes } from './key-numbers.ts';
import type { KeyPair } from './key-pair.ts';
import { rsaKeyPair } from './rsa-key-pair.ts';

/** How to read CryptoAPI's blobs. */
export interface DecodeCapiOptions extends DecodePrivateKeyBlobOptions {
  /** p and g of a PUBLICKEYBLOB of Diffie-Hellman in version 2, which has neither; big-endian. */
  readonly dhParameters?: {
    readonly p: Uint8Array;
    readonly g: Uint8Array;
    readonly q?: Uint8Array;
  };
}

/** Whether bytes begin as a PUBLICKEYBLOB, a PRIVATEKEYBLOB, a PVK file or the public key of a strong name do. No other format begins so. */
export function isCapi(bytes: Uint8Array): boolean {
  return FIRST_BYTES.includes(bytes[0]!);
}

/** Reads a blob of a key pair of any algorithm, or a file that has one in it. */
export function decodeCapi(bytes: Uint8Array, options: DecodeCapiOptions): DecodedKeyPair {
  if (bytes[0] === FIRST_OF_PVK) return decodePvkFile(bytes, options);
  if (bytes[0] === FIRST_OF_STRONG_NAME) return decodeStrongName(bytes, options);
  return decodeBlob(bytes, options);
}

/** The key in a PVK file, where no password encrypts it. */
function decodePvkFile(bytes: Uint8Array, options: DecodeCapiOptions): DecodedKeyPair {
  const { isEncrypted, keySpec, keyBlob } = decodePvk(bytes, options);
  if (isEncrypted) return refuse('encrypted', 'a password encrypts this key', 'NOT_SUPPORTED');
  const { pair, details } = decodeBlob(keyBlob, { ...options, trailing: 'refuse' });
  const keyUse = keySpec === AT_SIGNATURE ? 'signature' : 'exchange';
  return { pair, format: 'PVK', details: { ...details, keyUse } };
}

function decodeStrongName(bytes: Uint8Array, options: DecodeCapiOptions): DecodedKeyPair {
  const { publicKey } = decodeStrongNamePublicKey(bytes, options);
  if (publicKey === undefined)
    return refuse('PublicKey', "ECMA's own, which names no key", 'NOT_SUPPORTED');
  const { pair } = read(publicKey, options);
  return { pair, format: 'StrongNamePublicKey', details: detailsOf(publicKey.algId) };
}

function decodeBlob(bytes: Uint8Array, options: DecodeCapiOptions): DecodedKeyPair {
  const blob = decodeKeyBlob(bytes, options);
  try {
    const { pair, format } = read(blob, options);
    return { pair, format, details: detailsOf(blob.algId) };
  } finally {
    (blob as Partial<Disposable>)[Symbol.dispose]?.();
  }
}

interface Read {
  readonly pair: KeyPair;
  readonly format: KeyPairFormat;
}

function read(blob: KeyBlob, { dhParameters }: DecodeCapiOptions): Read {
  if (isOf(blob, RSA_BLOBS)) {
    const publicExponent = exponentBytes(blob.exponent);
    return { pair: rsaKeyPair({ ...blob, publicExponent }), format: blob.type };
  }
  if (isOf(blob, DSS_BLOBS)) {
    const { prime: p, subprime: q, generator: g } = blob;
    const key =
      blob.type === 'DSS-PRIVATEKEYBLOB'
        ? { privateKey: blob.privateKey }
        : { publicKey: blob.publicKey };
    const pair = dsaKeyPair({ p, q, g, ...key, ...validationOf(blob) });
    return {
      pair,
      format: blob.type === 'DSS-PRIVATEKEYBLOB' ? 'PRIVATEKEYBLOB' : 'PUBLICKEYBLOB',
    };
  }
  if (isOf(blob, VER3_BLOBS)) return readVer3(blob);
  if (blob.type === 'DH-PRIVATEKEYBLOB') {
    const { prime: p, generator: g, privateKey } = blob;
    return { pair: dhKeyPair({ p, g, privateKey }), format: 'PRIVATEKEYBLOB' };
  }
  if (blob.type !== 'DH-PUBLICKEYBLOB')
    return refuse('bType', 'no key pair that is not encrypted', 'BLOB_ALGORITHM_UNSUPPORTED');
  if (dhParameters === undefined)
    return refuse('p', 'not in the blob: p and g are to be given in dhParameters', 'NOT_SUPPORTED');
  const pair = dhKeyPair({ ...dhParameters, publicKey: blob.publicKey });
  return { pair, format: 'PUBLICKEYBLOB' };
}

function readVer3(blob: BlobOf<(typeof VER3_BLOBS)[number]>): Read {
  const { prime: p, subprime: q, generator: g, cofactor: j, publicKey } = blob;
  const isPrivate = blob.type === 'VER3-PRIVATEKEYBLOB';
  const key = { publicKey, ...(isPrivate && { privateKey: blob.privateKey }) };
  const format = isPrivate ? 'PRIVATEKEYBLOB_VER3' : 'PUBLICKEYBLOB_VER3';
  if (blob.algorithm === 'DH') {
    const group = { p, g, ...(q && { q }), ...(j && { j }) };
    return { pair: dhKeyPair({ ...group, ...key, ...validationOf(blob) }), format };
  }
  if (q === undefined) return refuse('bitlenQ', 'a DSA key without q', 'BLOB_MALFORMED');
  return { pair: dsaKeyPair({ p, q, g, ...key, ...validationOf(blob) }), format };
}

function validationOf({ seed }: { readonly seed?: DssSeed }): { readonly validation?: DssSeed } {
  return seed ? { validation: seed } : {};
}

type DssSeed = NonNullable<BlobOf<'DSS-PUBLICKEYBLOB'>['seed']>;

function detailsOf(algId: number): KeyPairDetails {
  const isForSignature = algId === ALG_ID.CALG_RSA_SIGN || algId === ALG_ID.CALG_DSS_SIGN;
  return { algId, keyUse: isForSignature ? 'signature' : 'exchange' };
}

type BlobOf<Type extends KeyBlob['type']> = Extract<KeyBlob, { readonly type: Type }>;

function isOf<Type extends KeyBlob['type']>(
  blob: KeyBlob,
  types: readonly Type[],
): blob is BlobOf<Type> {
  return (types as readonly string[]).includes(blob.type);
}

// oxlint-disable-next-line max-params -- the fault and its code
function refuse(
  field: string,
  problem: string,
  code: 'BLOB_ALGORITHM_UNSUPPORTED' | 'BLOB_MALFORMED' | 'NOT_SUPPORTED',
): never {
  throw new BlobFormatError({ format: 'key blob', field, offset: 0, problem }, code);
}

/** keytype of a PVK file (wincrypt.h). */
const AT_SIGNATURE = 2;
/** Of 0xB0B5F11E. */
const FIRST_OF_PVK = 0x1e;
/** Of CALG_RSA_SIGN, and of the 0 that ECMA's own has. */
const FIRST_OF_STRONG_NAME = 0x00;
const FIRST_BYTES: readonly number[] = [
  BLOB_TYPE.PUBLICKEYBLOB,
  BLOB_TYPE.PRIVATEKEYBLOB,
  FIRST_OF_PVK,
  FIRST_OF_STRONG_NAME,
];
const RSA_BLOBS = ['PUBLICKEYBLOB', 'PRIVATEKEYBLOB'] as const;
const DSS_BLOBS = ['DSS-PUBLICKEYBLOB', 'DSS-PRIVATEKEYBLOB'] as const;
const VER3_BLOBS = ['VER3-PUBLICKEYBLOB', 'VER3-PRIVATEKEYBLOB'] as const;
