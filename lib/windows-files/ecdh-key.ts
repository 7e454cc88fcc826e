/**
 * A public ECDH key of a root key. Source: [MS-GKDI] 2.2.3.2. Numbers are big-endian.
 *
 *  off size field  meaning
 *    0    4 magic  "ECK1" P-256, "ECK3" P-384, "ECK5" P-521
 *    4    4 cbKey  32, 48, 66: bytes of each number
 *    8    n X
 *    +    n Y
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { KeyStoreError } from '../errors.ts';

/** The curves of [MS-GKDI]. */
export type GroupKeyCurve = 'P-256' | 'P-384' | 'P-521';

/** A point on one of them. */
export interface EcdhKey {
  readonly curve: GroupKeyCurve;
  /** Big-endian, as long as the field. */
  readonly x: Uint8Array;
  /** Big-endian, as long as the field. */
  readonly y: Uint8Array;
}

/**
 * Reads a public ECDH key. Whether the point lies on its curve is not checked here.
 *
 * @returns Views of `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { curve, x, y } = decodeEcdhKey(identifier.keyInfo);
 * ```
 */
export function decodeEcdhKey(bytes: Uint8Array): EcdhKey {
  const r = new BlobReader(bytes, 'ECDHKey');
  const magic = r.u32le('magic');
  const found = CURVES.find((row) => row.magic === magic);
  if (found === undefined)
    return r.failAt(0, 'magic', `want ECK1, ECK3 or ECK5, got 0x${magic.toString(16)}`);
  const { curve, length } = found;
  r.expectU32le('cbKey', length);
  const x = r.bytes('X', length);
  const y = r.bytes('Y', length);
  r.end();
  return { curve, x, y };
}

/**
 * Writes what {@link decodeEcdhKey} reads.
 *
 * @throws KeyStoreError PARAMETER_INVALID where a coordinate is not as long as the curve's field.
 */
export function encodeEcdhKey({ curve, x, y }: EcdhKey): Uint8Array {
  const { magic, length } = CURVES.find((row) => row.curve === curve)!;
  if (x.length !== length || y.length !== length)
    throw new KeyStoreError('PARAMETER_INVALID', `a coordinate of ${curve} has ${length} bytes`);
  return new BlobWriter(8 + 2 * length).u32le(magic).u32le(length).bytes(x).bytes(y).finish();
}

const CURVES = [
  { curve: 'P-256', magic: 0x314b4345, length: 32 },
  { curve: 'P-384', magic: 0x334b4345, length: 48 },
  { curve: 'P-521', magic: 0x354b4345, length: 66 },
] as const;
