/**
 * Row of the files that Microsoft's example programs write. Source: MS "Example C Program: Encrypting a File".
 *
 *  off size field          meaning
 *    0    4 dwKeyBlobLen   L
 *    4    L pbKeyBlob      SIMPLEBLOB of exactly that length
 *  4+L      ciphertext     to the end of the file
 */
import { algClass, algIdName, ALG_ID } from '../../blobs/alg-id.ts';
import { decodeSimpleBlob } from '../../blobs/simple-blob.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { sessionKeyNotes } from './advice.ts';
import { formatReader, hasAt, note, u32At, type FormatReader } from './format-reader.ts';

export const LENGTH_PREFIXED: FormatReader = formatReader({
  id: 'length-prefixed-simpleblob',
  what: 'encrypted file with its SIMPLEBLOB',
  detect: ({ bytes }) =>
    hasAt(bytes, LENGTH_OF_LENGTH, SIMPLEBLOB) &&
    algClass(u32At(bytes, 8)) === 'data-encrypt' &&
    u32At(bytes, 12) === ALG_ID.CALG_RSA_KEYX &&
    u32At(bytes, 0) < MAX_BLOB,
  decode: (bytes) => {
    const r = new BlobReader(bytes, 'length-prefixed SIMPLEBLOB');
    const length = r.u32leIn('dwKeyBlobLen', { min: 0, max: MAX_BLOB });
    const blob = decodeSimpleBlob(r.bytes('pbKeyBlob', length));
    return { blob, ciphertext: r.left };
  },
  describe: ({ blob, ciphertext }, { bytes, size }) => {
    const length = size - bytes.length + ciphertext;
    const alg = algIdName(blob.algId) ?? 'of no algorithm of wincrypt.h';
    return {
      summary: `A session key, ${alg}, wrapped for an RSA key of ${8 * blob.encryptedKey.length} bits, and ${length} bytes that it encrypts.`,
      notes: [
        note(
          'CIPHERTEXT_FOLLOWS',
          "The layout of Microsoft's example program: length of the blob, blob, ciphertext.",
        ),
        ...sessionKeyNotes(blob.algId),
      ],
      rest: 'ciphertext',
    };
  },
  partFields: [{ format: 'length-prefixed SIMPLEBLOB', field: 'pbKeyBlob' }],
});

const LENGTH_OF_LENGTH = 4;
const SIMPLEBLOB = [0x01, 0x02, 0x00, 0x00];
/** RSA of 16,384 bits. */
const MAX_BLOB = 12 + 2048;
