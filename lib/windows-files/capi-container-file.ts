/**
 * A key container of Microsoft's CSPs: `Crypto\RSA\<SID>\<hash>_<MachineGuid>`, also Crypto\DSS and MachineKeys. Source: mimikatz
 * kull_m_key.h; jordanbtucker/dpapick; MSDN "Key Storage and Retrieval"; a sample of Windows 10.
 *
 *  off size field             meaning
 *    0    4 dwVersion         2
 *    4    4                   0 where seen
 *    8    4 dwNameLen         with the null
 *   12    4 dwSiPublicKeyLen  si: the signature key; 0 is none
 *   16    4 dwSiPrivateKeyLen
 *   20    4 dwExPublicKeyLen  ex: the exchange key
 *   24    4 dwExPrivateKeyLen
 *   28    4 dwHashLen         20
 *   32    4 dwSiExportFlagLen
 *   36    4 dwExExportFlagLen
 *   40      name (ANSI), hash (zeros where seen), siPublicKey, siPrivateKey, siExportFlag, exPublicKey, exPrivateKey, exExportFlag
 *
 * Private keys and export flags are DPAPI blobs. Public keys: lib/windows-files/capi-key.ts.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { KeyStoreError } from '../errors.ts';
import { endFile, type DecodeFileOptions } from './fields.ts';

/** A container's file, closed. */
export interface CapiContainerFile {
  /** The second field. */
  readonly reserved: number;
  /** The container's name. A character for each byte: the code page is not in the file. */
  readonly name: string;
  readonly hash: Uint8Array;
  /** AT_SIGNATURE; absent where all its parts are empty. */
  readonly signature?: CapiContainerSlot;
  /** AT_KEYEXCHANGE; absent where all its parts are empty. */
  readonly exchange?: CapiContainerSlot;
}

/** One of a container's two keys. An empty part is one that the file does not have. */
export interface CapiContainerSlot {
  /** RSA: as {@link decodeCapiRsaPublicKey} reads it. DSS: a PRIVATEKEYBLOB of version 3 that ends before x. */
  readonly publicKey: Uint8Array;
  /** DPAPI blob */
  readonly privateKey: Uint8Array;
  /** DPAPI blob */
  readonly exportFlag: Uint8Array;
}

/**
 * Reads a container's file, without opening it.
 *
 * Source: mimikatz kull_m_key.h, dpapick.
 *
 * @returns Byte strings are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * const { name, exchange } = decodeCapiContainerFile(await readFile(path));
 * ```
 */
export function decodeCapiContainerFile(
  bytes: Uint8Array,
  options: DecodeFileOptions = {},
): CapiContainerFile {
  const r = new BlobReader(bytes, 'CryptoAPI container file');
  const version = r.u32le('dwVersion');
  if (version !== VERSION)
    r.failAt(0, 'dwVersion', `want 2, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const reserved = r.u32le('reserved');
  const nameLength = r.u32leIn('dwNameLen', { min: 1, max: MAX_NAME_LENGTH });
  const siPublicLength = r.u32le('dwSiPublicKeyLen');
  const siPrivateLength = r.u32le('dwSiPrivateKeyLen');
  const exPublicLength = r.u32le('dwExPublicKeyLen');
  const exPrivateLength = r.u32le('dwExPrivateKeyLen');
  const hashLength = r.u32le('dwHashLen');
  const siFlagLength = r.u32le('dwSiExportFlagLen');
  const exFlagLength = r.u32le('dwExExportFlagLen');
  const name = decodeAnsi(r.bytes('name', nameLength - 1));
  r.expectU8('name, its null', 0);
  const hash = r.bytes('hash', hashLength);
  const signature = slot({
    publicKey: r.bytes('siPublicKey', siPublicLength),
    privateKey: r.bytes('siPrivateKey', siPrivateLength),
    exportFlag: r.bytes('siExportFlag', siFlagLength),
  });
  const exchange = slot({
    publicKey: r.bytes('exPublicKey', exPublicLength),
    privateKey: r.bytes('exPrivateKey', exPrivateLength),
    exportFlag: r.bytes('exExportFlag', exFlagLength),
  });
  endFile(r, options);
  return {
    reserved,
    name,
    hash,
    ...(signature && { signature }),
    ...(exchange && { exchange }),
  };
}

/**
 * Writes a container's file back as it was read.
 *
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a name with a character above U+00FF.
 * @example
 * ```ts
 * const same = encodeCapiContainerFile(decodeCapiContainerFile(bytes));
 * ```
 */
export function encodeCapiContainerFile(file: CapiContainerFile): Uint8Array {
  const name = encodeAnsi(file.name);
  const si = file.signature ?? EMPTY_SLOT;
  const ex = file.exchange ?? EMPTY_SLOT;
  const parts = [file.hash, ...partsOf(si), ...partsOf(ex)];
  const length = parts.reduce((sum, part) => sum + part.length, HEADER_LENGTH + name.length + 1);
  const w = new BlobWriter(length)
    .u32le(VERSION)
    .u32le(file.reserved)
    .u32le(name.length + 1);
  w.u32le(si.publicKey.length).u32le(si.privateKey.length);
  w.u32le(ex.publicKey.length).u32le(ex.privateKey.length);
  w.u32le(file.hash.length).u32le(si.exportFlag.length).u32le(ex.exportFlag.length);
  w.bytes(name).u8(0);
  for (const part of parts) w.bytes(part);
  return w.finish();
}

function slot(parts: CapiContainerSlot): CapiContainerSlot | undefined {
  return partsOf(parts).every(({ length }) => length === 0) ? undefined : parts;
}

/** In the file's order. */
function partsOf({ publicKey, privateKey, exportFlag }: CapiContainerSlot): readonly Uint8Array[] {
  return [publicKey, privateKey, exportFlag];
}

function decodeAnsi(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function encodeAnsi(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (code > 0xff) throw new KeyStoreError('PARAMETER_INVALID', 'name: not of one byte each');
    return code;
  });
}

const VERSION = 2;
const HEADER_LENGTH = 40;
/** CryptAcquireContext takes MAX_PATH, 260; double-byte code pages have twice as many bytes. */
const MAX_NAME_LENGTH = 1024;
const EMPTY_SLOT: CapiContainerSlot = {
  publicKey: new Uint8Array(),
  privateKey: new Uint8Array(),
  exportFlag: new Uint8Array(),
};
