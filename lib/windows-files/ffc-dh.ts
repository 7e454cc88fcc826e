/**
 * Finite field Diffie-Hellman of a root key: its parameters, and its public keys. Source: [MS-GKDI] 2.2.2, 2.2.3.1. Numbers are big-endian.
 *
 *  off size field         meaning of the parameters
 *    0    4 cbSize        bytes of all this: 12 + 2 * key length
 *    4    4 magic         "DHPM" 0x4d504844
 *    8    4 cbKey         bytes of each number
 *   12    n FieldOrder    p
 *    +    n Generator     g
 *
 *  off size field         meaning of a key
 *    0    4 magic         "DHPB" 0x42504844
 *    4    4 cbKey         bytes of each number
 *    8    n FieldOrder    p
 *    +    n Generator     g
 *    +    n PublicKey     y
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';

/** The group. Both numbers are as long as the field. */
export interface FfcDhParameters {
  /** p, big-endian. */
  readonly fieldOrder: Uint8Array;
  /** g, big-endian. */
  readonly generator: Uint8Array;
}

/** A public key with its group. */
export interface FfcDhKey extends FfcDhParameters {
  /** y, big-endian, as long as the field. */
  readonly publicKey: Uint8Array;
}

/**
 * Reads the msKds-SecretAgreementParam of DH.
 *
 * @returns Views of `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { fieldOrder } = decodeFfcDhParameters(rootKey.secretAgreementParameters);
 * ```
 */
export function decodeFfcDhParameters(bytes: Uint8Array): FfcDhParameters {
  const r = new BlobReader(bytes, 'FFCDHParameters');
  const size = r.u32le('cbSize');
  r.expectU32le('magic', PARAMETERS_MAGIC);
  const length = readKeyLength(r);
  if (size !== 12 + 2 * length) r.failAt(0, 'cbSize', `want ${12 + 2 * length}, got ${size}`);
  const fieldOrder = r.bytes('FieldOrder', length);
  const generator = r.bytes('Generator', length);
  r.end();
  return { fieldOrder, generator };
}

/** Writes what {@link decodeFfcDhParameters} reads; `generator` is as long as `fieldOrder`. */
export function encodeFfcDhParameters({ fieldOrder, generator }: FfcDhParameters): Uint8Array {
  const { length } = fieldOrder;
  const writer = new BlobWriter(12 + 2 * length);
  writer
    .u32le(12 + 2 * length)
    .u32le(PARAMETERS_MAGIC)
    .u32le(length);
  return writer.bytes(fieldOrder).bytes(generator).finish();
}

/**
 * Reads a public key of DH with its group.
 *
 * @returns Views of `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { publicKey } = decodeFfcDhKey(identifier.keyInfo);
 * ```
 */
export function decodeFfcDhKey(bytes: Uint8Array): FfcDhKey {
  const r = new BlobReader(bytes, 'FFCDHKey');
  r.expectU32le('magic', KEY_MAGIC);
  const length = readKeyLength(r);
  const fieldOrder = r.bytes('FieldOrder', length);
  const generator = r.bytes('Generator', length);
  const publicKey = r.bytes('PublicKey', length);
  r.end();
  return { fieldOrder, generator, publicKey };
}

/** Writes what {@link decodeFfcDhKey} reads; all numbers are as long as `fieldOrder`. */
export function encodeFfcDhKey({ fieldOrder, generator, publicKey }: FfcDhKey): Uint8Array {
  const writer = new BlobWriter(8 + 3 * fieldOrder.length);
  writer.u32le(KEY_MAGIC).u32le(fieldOrder.length);
  return writer.bytes(fieldOrder).bytes(generator).bytes(publicKey).finish();
}

function readKeyLength(r: BlobReader): number {
  return r.u32leIn('cbKey', { min: MIN_KEY_LENGTH, max: MAX_KEY_LENGTH });
}

/** "DHPM", "DHPB" */
const PARAMETERS_MAGIC = 0x4d504844;
const KEY_MAGIC = 0x42504844;
/** 512 bits; [MS-GKDI] has 2048 by default. */
const MIN_KEY_LENGTH = 64;
/** 16,384 bits: what OpenSSL computes with is bounded at 10,000. */
const MAX_KEY_LENGTH = 2048;
