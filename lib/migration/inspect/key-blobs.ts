/** Rows of CryptExportKey's blobs, of PVK files and of the public keys of strong names. Layouts: lib/blobs. */
import { algIdName, describeAlgId } from '../../blobs/alg-id.ts';
import { BLOB_TYPE, type BlobTypeName } from '../../blobs/key-blob-header.ts';
import { decodeKeyBlob, type KeyBlob } from '../../blobs/key-blob.ts';
import { decodePvk } from '../../blobs/pvk.ts';
import { decodeStrongNamePublicKey } from '../../blobs/strong-name-public-key.ts';
import { BlobFormatError } from '../../errors.ts';
import { hashNotes } from './advice.ts';
import { describeKeyBlob } from './describe-key-blob.ts';
import {
  formatReader,
  hasAt,
  note,
  u32At,
  warning,
  type Description,
  type FormatReader,
} from './format-reader.ts';

export const KEY_BLOBS: readonly FormatReader[] = [
  formatReader({
    id: 'pvk',
    what: 'PVK',
    detect: ({ bytes }) => u32At(bytes, 0) === PVK_MAGIC && u32At(bytes, 4) === 0,
    decode: (bytes) => decodePvk(bytes),
    describe: ({ isEncrypted, keySpec, algId }) => ({
      summary: `A private key file, ${describeAlgId(algId)}, ${SLOTS[keySpec] ?? `keytype ${keySpec}`}, ${
        isEncrypted ? 'that a password encrypts with RC4' : 'not encrypted'
      }.`,
      notes: isEncrypted
        ? [
            warning(
              'PRIVATE_KEY_ENCRYPTED',
              'RC4 under SHA-1 of the password, once: passwords are searched at full speed. Whether with 128 or 40 bits is not in the file.',
            ),
          ]
        : [],
    }),
    partFields: [{ format: 'PVK', field: 'key' }],
  }),
  formatReader({
    id: 'strong-name-public-key',
    what: 'public key of a strong name (.snk, .NET)',
    detect: ({ bytes }) => isStrongName(bytes),
    decode: (bytes) => decodeStrongNamePublicKey(bytes),
    describe: ({ hashAlgId, publicKey }) => ({
      summary:
        publicKey === undefined
          ? "ECMA's own key of a .NET assembly, which stands for that of the platform's maker."
          : `The key that a .NET assembly is signed under, RSA with ${publicKey.modulusBits} bits and ${describeAlgId(hashAlgId)}.`,
      notes: hashNotes(hashAlgId),
    }),
    partFields: [{ format: 'PublicKeyBlob', field: 'PublicKey' }],
  }),
  // One row for each blob type, so that a damaged blob is still a blob of its type.
  ...(Object.keys(BLOB_TYPE) as BlobTypeName[]).map((type): FormatReader => ({
    id: type.toLowerCase(),
    what: type,
    detect: ({ bytes }) => isKeyBlob(bytes, BLOB_TYPE[type]),
    read: (bytes) => readKeyBlob(bytes, type),
  })),
];

/** A PUBLICKEYBLOB behind two algorithms and a length; or ECMA's own 16 bytes, which name no key. */
function isStrongName(bytes: Uint8Array): boolean {
  if (hasAt(bytes, 0, ECMA_KEY)) return bytes.length === ECMA_KEY.length;
  return (
    hasAt(bytes, 12, PUBLICKEYBLOB) &&
    algIdName(u32At(bytes, 4)) !== undefined &&
    u32At(bytes, 8) < MAX_STRONG_NAME
  );
}

/** bType, a version that there is, two zeros, and an ALG_ID of wincrypt.h. */
function isKeyBlob(bytes: Uint8Array, bType: number): boolean {
  return (
    bytes[0] === bType &&
    (bytes[1] === 2 || bytes[1] === 3) &&
    bytes[2] === 0 &&
    bytes[3] === 0 &&
    algIdName(u32At(bytes, 4)) !== undefined
  );
}

/** What callers stored is often a whole buffer, of which the blob is the beginning. */
function readKeyBlob(bytes: Uint8Array, type: BlobTypeName): Description {
  try {
    return described(decodeKeyBlob(bytes, { shortTail: 'allow' }), type);
  } catch (error) {
    if (!(error instanceof BlobFormatError) || error.field !== 'end') throw error;
    const description = described(decodeKeyBlob(bytes, { trailing: 'allow' }), type);
    return { ...description, notes: [...(description.notes ?? []), TRAILING] };
  }
}

function described(blob: KeyBlob, type: BlobTypeName): Description {
  try {
    return describeKeyBlob(blob, type);
  } finally {
    (blob as Partial<Disposable>)[Symbol.dispose]?.();
  }
}

const TRAILING = note('TRAILING_BYTES', 'Other bytes follow the blob: a whole buffer was stored.');
const PVK_MAGIC = 0xb0b5f11e;
/** keytype, by wincrypt.h's names. */
const SLOTS: Readonly<Record<number, string>> = { 1: 'AT_KEYEXCHANGE', 2: 'AT_SIGNATURE' };
/** ECMA-335 II.6.2.1.3 */
const ECMA_KEY = [0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
const PUBLICKEYBLOB = [0x06, 0x02, 0x00, 0x00];
/** A PUBLICKEYBLOB of 16,384 bits has 2,068 bytes. */
const MAX_STRONG_NAME = 4096;
