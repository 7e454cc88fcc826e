/**
 * The key identifier of a group-protected blob: which group key a DPAPI-NG recipient needs. Source: [MS-GKDI] 2.2.4, as NCryptProtectSecret
 * writes it into KEKIdentifier.keyIdentifier.
 *
 *  off size field      meaning
 *    0    4 version    1
 *    4    4 magic      "KDSK" 0x4b53444b
 *    8    4 dwFlags    bit 0: the key information is a public key; otherwise it is a random secret
 *   12    4 L0         interval of 1024 x 10 hours; the three are signed, and no index is below 0 here
 *   16    4 L1         0 to 31
 *   20    4 L2         0 to 31
 *   24   16 RootKeyIdentifier  GUID
 *   40    4 cbKeyInfo  bytes of the key information
 *   44    4 cbDomain   bytes of the domain's name with its null
 *   48    4 cbForest   bytes of the forest's name with its null
 *   52    n KeyInfo    32 random bytes, or an FFC DH key, or an ECDH key
 *    +    n Domain     UTF-16, null-terminated
 *    +    n Forest     UTF-16, null-terminated
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { guidBytes, guidText, GUID_LENGTH } from '../bytes/guid.ts';
import { decodeUtf16z, encodeUtf16z } from '../bytes/utf16.ts';
import { KeyStoreError } from '../errors.ts';

/** The time that a group key is for: 32 x 32 intervals of ten hours in one L0. */
export interface GroupKeyInterval {
  /** 0 to 2^31 - 1 */
  readonly l0: number;
  /** 0 to 31 */
  readonly l1: number;
  /** 0 to 31 */
  readonly l2: number;
}

/** Which group key opens a recipient, and what the key is computed with. */
export interface GroupKeyIdentifier extends GroupKeyInterval {
  /** dwFlags: bit 0 says that `keyInfo` is a public key. */
  readonly flags: number;
  /** GUID of the root key, lower case without braces. */
  readonly rootKeyId: string;
  /** Random bytes, or a public key: {@link GroupKeyIdentifier.flags} tells. Not secret. */
  readonly keyInfo: Uint8Array;
  /** DNS name. */
  readonly domain: string;
  /** DNS name. */
  readonly forest: string;
}

/**
 * Reads the key identifier of a group-protected blob.
 *
 * @returns `keyInfo` is a view of `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { rootKeyId, l0, l1, l2 } = decodeGroupKeyIdentifier(recipient.keyIdentifier);
 * ```
 */
export function decodeGroupKeyIdentifier(bytes: Uint8Array): GroupKeyIdentifier {
  const r = new BlobReader(bytes, 'KDSK');
  r.expectU32le('version', 1);
  r.expectU32le('magic', KDSK_MAGIC);
  const flags = r.u32le('dwFlags');
  const interval = readInterval(r);
  const rootKeyId = guidText(r.bytes('RootKeyIdentifier', GUID_LENGTH));
  const cbKeyInfo = r.u32leIn('cbKeyInfo', { max: MAX_KEY_INFO });
  const cbDomain = r.u32leIn('cbDomain', { max: MAX_NAME, multipleOf: 2 });
  const cbForest = r.u32leIn('cbForest', { max: MAX_NAME, multipleOf: 2 });
  const keyInfo = r.bytes('KeyInfo', cbKeyInfo);
  const domain = readName(r, 'Domain', cbDomain);
  const forest = readName(r, 'Forest', cbForest);
  r.end();
  return { flags, ...interval, rootKeyId, keyInfo, domain, forest };
}

/**
 * Writes the key identifier of a group-protected blob.
 *
 * @returns A fresh array.
 * @throws KeyStoreError PARAMETER_INVALID where `rootKeyId` is no GUID.
 */
export function encodeGroupKeyIdentifier(identifier: GroupKeyIdentifier): Uint8Array {
  const { flags, keyInfo } = identifier;
  const domain = encodeUtf16z(identifier.domain);
  const forest = encodeUtf16z(identifier.forest);
  const writer = new BlobWriter(52 + keyInfo.length + domain.length + forest.length);
  writer.u32le(1).u32le(KDSK_MAGIC).u32le(flags);
  writeInterval(writer, identifier).bytes(rootKeyBytes(identifier.rootKeyId));
  writer.u32le(keyInfo.length).u32le(domain.length).u32le(forest.length);
  return writer.bytes(keyInfo).bytes(domain).bytes(forest).finish();
}

/** Whether the key information is a public key, so that the KEK comes from a key agreement. */
export function isPublicKeyIdentifier({ flags }: Pick<GroupKeyIdentifier, 'flags'>): boolean {
  return (flags & 1) !== 0;
}

/** L0, L1 and L2, each within its bounds. */
export function readInterval(r: BlobReader): GroupKeyInterval {
  const l0 = r.u32leIn('L0', { max: 0x7fffffff });
  const l1 = r.u32leIn('L1', { max: 31 });
  const l2 = r.u32leIn('L2', { max: 31 });
  return { l0, l1, l2 };
}

export function writeInterval(writer: BlobWriter, { l0, l1, l2 }: GroupKeyInterval): BlobWriter {
  return writer.u32le(l0).u32le(l1).u32le(l2);
}

/** A null-terminated name of a length that was told before. */
export function readName(r: BlobReader, field: string, length: number): string {
  const start = r.offset;
  const name = decodeUtf16z(r.bytes(field, length));
  if (name === undefined) r.failAt(start, field, 'want UTF-16 with one null, at its end');
  return name;
}

/** 16 bytes of a GUID that a program gave. */
export function rootKeyBytes(rootKeyId: string): Uint8Array {
  const bytes = guidBytes(rootKeyId);
  if (bytes === undefined) throw new KeyStoreError('PARAMETER_INVALID', 'rootKeyId: not a GUID');
  return bytes;
}

/** "KDSK" */
export const KDSK_MAGIC = 0x4b53444b;
/** An FFC DH key of 16,384 bits has 6,152 bytes. */
const MAX_KEY_INFO = 8192;
/** A DNS name has at most 255 characters. */
export const MAX_NAME = 512;
