/** Encrypting files, folders, streams and bytes with session keys: what the package exports of it. */
export { encryptFile, type EncryptFileOptions } from './encrypt-file/encrypt.ts';
export { decryptFile, type DecryptFileOptions } from './encrypt-file/decrypt.ts';
export {
  decryptDuplex,
  decryptStream,
  decryptTransform,
  encryptDuplex,
  encryptStream,
  encryptTransform,
  type DecryptStreamOptions,
  type EncryptStreamOptions,
} from './encrypt-file/streams.ts';
export { decryptBytes, encryptBytes } from './encrypt-file/bytes.ts';
export { openEncryptedFile, EncryptedFileReader } from './encrypt-file/random-access.ts';
export { readFileHeader, rewrapFile, type RewrapFileOptions } from './encrypt-file/rewrap.ts';
export {
  decryptTree,
  encryptTree,
  FILE_ENDING,
  type DecryptTreeOptions,
  type EncryptTreeOptions,
  type FileResult,
  type TreeOptions,
} from './encrypt-file/tree.ts';
export type { SkipReason } from './encrypt-file/walk.ts';
export type {
  DecryptedFile,
  DecryptOptions,
  EncryptedFile,
  EncryptOptions,
  LongWork,
  OutputOptions,
  ProgressEvent,
} from './encrypt-file/options.ts';
export type { FileContext } from './file-encryption/file-context.ts';
export type { FileHeader } from './file-encryption/file-header.ts';
export { looksLikeFileHeader } from './file-encryption/file-header.ts';
export type { Chunks } from './file-encryption/byte-source.ts';
