/**
 * CryptSignHash and CryptVerifySignature. Source: MS "CryptSignHash", "CryptVerifySignature"; RFC 8017 section 9.2; ANSI X9.31.
 *
 *   RSA    signature = block^d, little-endian, as long as the modulus
 *          block     = 00 01 ‖ FF … FF ‖ 00 ‖ DigestInfo       by default; CALG_SSL3_SHAMD5 has no DigestInfo but its 36 bytes
 *                    = 00 01 ‖ FF … FF ‖ 00 ‖ hash             with CRYPT_NOHASHOID
 *                    = 6B ‖ BB … BB ‖ BA ‖ hash ‖ 33 CC        with CRYPT_X931_FORMAT; X9.31 allows the modulus less the signature too
 *   DSS    signature = r ‖ s, each little-endian, 20 bytes
 *
 * A description, where there is one, is hashed after the data: the UTF-16LE code units of the text, without its NUL.
 */
import {
  constants,
  createPublicKey,
  privateEncrypt,
  publicDecrypt,
  type KeyObject,
} from 'node:crypto';
import { ALG_ID, describeAlgId } from '../blobs/alg-id.ts';
import { concatBytes, equalBytes, fromHex, reverseBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { fromBigInt, toBigInt } from '../key-pairs/big-numbers.ts';
import { signDss, verifyDss } from './dss-signature.ts';
import { capiHash, checkHashValue } from './hash.ts';
import {
  importLegacyPrivateKey,
  importLegacyPublicKey,
  rsaModulusLength,
  type LegacyPrivateKey,
  type LegacyPublicKey,
} from './legacy-key.ts';

/** What is signed: data, or the value of a hash object that is finished. */
export type CapiSigned =
  | {
      /** CALG_MD2 to CALG_SHA_512. */
      readonly hashAlgId: number;
      /** What CryptHashData was given. */
      readonly data: Uint8Array;
      /** sDescription: part of what is signed. CryptSignHashA's text as Windows converted it. */
      readonly description?: string;
    }
  | {
      readonly hashAlgId: number;
      /** HP_HASHVAL; a description is already in it. */
      readonly value: Uint8Array;
    };

/** dwFlags of CryptSignHash and CryptVerifySignature, for RSA. */
export interface CapiSignatureOptions {
  /** CRYPT_NOHASHOID: the signature does not say which hash it is of. */
  readonly noHashOid?: boolean;
  /** CRYPT_X931_FORMAT. Its trailer names SHA-1 whatever the hash, as CryptoAPI's does. */
  readonly x931?: boolean;
}

/**
 * Signs as CryptSignHash does: for programs that go on with CryptVerifySignature on the other side.
 *
 * @param privateKey - AT_KEYEXCHANGE or AT_SIGNATURE, of RSA or DSA.
 * @param signed - Data or a hash. For DSA it has to be data, and CALG_SHA1.
 * @param options - For RSA; DSS has no other format.
 * @returns Little-endian: as long as the modulus (RSA), 40 bytes (DSS). A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID where the hash is not as long as its algorithm's, or too long for the modulus, or where the key's
 * numbers do not belong together; FLAGS_INVALID
 * (NTE_BAD_FLAGS) for `noHashOid` with `x931`, or either with DSA; ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID); NOT_SUPPORTED for DSA with a
 * hash, or numbers other than 160 bits. Of CALG_MD4 also what {@link capiHash} throws; of the key, what {@link importLegacyPrivateKey} does.
 * @example
 * ```ts
 * const signature = await capiSign(privateKey, { hashAlgId: ALG_ID.CALG_SHA_256, data });
 * ```
 */
export async function capiSign(
  privateKey: LegacyPrivateKey,
  signed: CapiSigned,
  options: CapiSignatureOptions = {},
): Promise<Uint8Array> {
  const key = importLegacyPrivateKey(privateKey);
  checkFlags(key, options);
  if (key.asymmetricKeyType === 'dsa') {
    requireSha1(signed);
    return signDss(key, dataOf(signed));
  }
  const block = await blockOf(rsaModulusLength(key), signed, options);
  if (block === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'the hash does not fit this RSA key');
  return reverseBytes(signBlock(key, block));
}

/**
 * Verifies as CryptVerifySignature does.
 *
 * Without flags a signature with or without DigestInfo is accepted; with `noHashOid` or `x931` only one of that form.
 * MD2, MD4, MD5 and SHA-1 are read for what was signed long ago: others can make two texts with one such hash.
 *
 * @param publicKey - Of RSA or DSA.
 * @param signed - What was signed, as {@link capiSign} takes it. For DSA also a hash.
 * @param signature - Little-endian, as CryptSignHash gives it. .NET's RSACryptoServiceProvider reverses it: reverse it back.
 * @returns Whether it fits. False for each signature that is not one: of another length, another key, another form.
 * @throws As {@link capiSign} does of the key, the hash and the flags.
 * @example
 * ```ts
 * const genuine = await capiVerify(publicKey, { hashAlgId: ALG_ID.CALG_SHA1, data, description: 'invoice' }, signature);
 * ```
 */
// oxlint-disable-next-line max-params -- the arguments of CryptVerifySignature
export async function capiVerify(
  publicKey: LegacyPublicKey,
  signed: CapiSigned,
  signature: Uint8Array,
  options: CapiSignatureOptions = {},
): Promise<boolean> {
  const key = importLegacyPublicKey(publicKey);
  checkFlags(key, options);
  if (key.asymmetricKeyType === 'dsa') return verifyDss(key, await hashOf(signed), signature);
  const length = rsaModulusLength(key);
  const value = await hashOf(signed);
  const opened = openBlock(key, signature, length);
  if (opened === undefined) return false;
  const found = options.x931 === true ? x931Block(key, opened) : opened;
  const forms: CapiSignatureOptions[] =
    options.noHashOid === true || options.x931 === true ? [options] : [{}, { noHashOid: true }];
  return forms.some((form) => {
    const block = padBlock(length, signed.hashAlgId, value, form);
    return block !== undefined && equalBytes(block, found);
  });
}

/** RSASP1. */
function signBlock(key: KeyObject, block: Uint8Array): Uint8Array {
  try {
    return privateEncrypt({ key, ...RAW }, block);
  } catch {
    // Its numbers do not belong together; which, is a secret.
    throw new KeyStoreError('PARAMETER_INVALID', 'this RSA key cannot sign');
  }
}

/** RSAVP1; undefined for a signature of another length than the modulus, or not below it. */
function openBlock(key: KeyObject, signature: Uint8Array, length: number): Uint8Array | undefined {
  if (signature.length !== length) return undefined;
  try {
    return publicDecrypt({ key, ...RAW }, reverseBytes(signature));
  } catch {
    return undefined;
  }
}

/** X9.31 signs with the smaller of s and n - s: of the latter RSA gives n less the block, which does not end in the nibble C. */
function x931Block(key: KeyObject, opened: Uint8Array): Uint8Array {
  if ((opened.at(-1)! & 0xf) === X931_END) return opened;
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const { n } = publicKey.export({ format: 'jwk' });
  const modulus = toBigInt(Buffer.from(n!, 'base64url'));
  return fromBigInt(modulus - toBigInt(opened), opened.length);
}

async function blockOf(
  length: number,
  signed: CapiSigned,
  options: CapiSignatureOptions,
): Promise<Uint8Array | undefined> {
  return padBlock(length, signed.hashAlgId, await hashOf(signed), options);
}

/** The block of a hash; undefined where it does not fit. */
// oxlint-disable-next-line max-params -- what a block is made of
function padBlock(
  length: number,
  hashAlgId: number,
  hash: Uint8Array,
  { noHashOid, x931 }: CapiSignatureOptions,
): Uint8Array | undefined {
  if (x931 === true) {
    const fill = length - hash.length - X931_OVERHEAD;
    if (fill < 0) return undefined;
    return concatBytes(
      Uint8Array.of(0x6b),
      new Uint8Array(fill).fill(0xbb),
      Uint8Array.of(0xba),
      hash,
      X931_TRAILER,
    );
  }
  const prefix = noHashOid === true ? NO_PREFIX : digestInfoPrefix(hashAlgId);
  const fill = length - prefix.length - hash.length - 3;
  if (fill < MIN_PADDING) return undefined;
  const padding = new Uint8Array(fill).fill(0xff);
  return concatBytes(Uint8Array.of(0, 1), padding, Uint8Array.of(0), prefix, hash);
}

async function hashOf(signed: CapiSigned): Promise<Uint8Array> {
  if (!('value' in signed)) return await capiHash(signed.hashAlgId, ...dataOf(signed));
  checkHashValue(signed);
  return signed.value;
}

/** What is hashed, part by part. */
function dataOf(signed: CapiSigned): Uint8Array[] {
  if ('value' in signed)
    throw new KeyStoreError('NOT_SUPPORTED', 'a DSA key signs data here, not the value of a hash');
  const { data, description } = signed;
  return description === undefined ? [data] : [data, utf16(description)];
}

/** DSS signs SHA-1. */
function requireSha1({ hashAlgId }: CapiSigned): void {
  if (hashAlgId === ALG_ID.CALG_SHA1) return;
  throw new KeyStoreError(
    'ALGORITHM_UNSUPPORTED',
    `DSS signs CALG_SHA1, not ${describeAlgId(hashAlgId)}`,
  );
}

function checkFlags(key: KeyObject, { noHashOid, x931 }: CapiSignatureOptions): void {
  if (noHashOid === true && x931 === true)
    throw new KeyStoreError('FLAGS_INVALID', 'a signature has one format: noHashOid or x931');
  if (key.asymmetricKeyType === 'dsa' && (noHashOid === true || x931 === true))
    throw new KeyStoreError('FLAGS_INVALID', 'noHashOid and x931 are formats of RSA signatures');
}

/** UTF-16LE code units, also those of half a surrogate pair. */
function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true);
  return bytes;
}

function digestInfoPrefix(hashAlgId: number): Uint8Array {
  return DIGEST_INFO_PREFIXES.get(hashAlgId) ?? NO_PREFIX;
}

const RAW = { padding: constants.RSA_NO_PADDING } as const;
/** RFC 8017 section 9.2: FF at least 8 times. */
const MIN_PADDING = 8;
/** 6B, BA, and the trailer. */
const X931_OVERHEAD = 4;
/** 33: SHA-1 in ISO/IEC 10118-3; CC: the end. */
const X931_TRAILER = Uint8Array.of(0x33, 0xcc);
/** The last nibble of the trailer. */
const X931_END = 0xc;
const NO_PREFIX = new Uint8Array(0);

/** DigestInfo up to its digest: SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }. RFC 8017 section 9.2, note 1. */
const DIGEST_INFO_PREFIXES = new Map<number, Uint8Array>(
  Object.entries({
    [ALG_ID.CALG_MD2]: '3020300c06082a864886f70d020205000410',
    [ALG_ID.CALG_MD4]: '3020300c06082a864886f70d020405000410',
    [ALG_ID.CALG_MD5]: '3020300c06082a864886f70d020505000410',
    [ALG_ID.CALG_SHA1]: '3021300906052b0e03021a05000414',
    [ALG_ID.CALG_SHA_256]: '3031300d060960864801650304020105000420',
    [ALG_ID.CALG_SHA_384]: '3041300d060960864801650304020205000430',
    [ALG_ID.CALG_SHA_512]: '3051300d060960864801650304020305000440',
  }).map(([algId, digits]) => [Number(algId), fromHex(digits)!]),
);
