/** One sentence on each layout of CryptExportKey's blobs, and what its reader should know. */
import { ALG_ID, algIdName, describeAlgId } from '../../blobs/alg-id.ts';
import type { BlobTypeName } from '../../blobs/key-blob-header.ts';
import type { KeyBlob } from '../../blobs/key-blob.ts';
import { keyNotes, rsaNotes, sessionKeyNotes } from './advice.ts';
import { note, warning, type Description } from './format-reader.ts';

export function describeKeyBlob(blob: KeyBlob, type: BlobTypeName): Description {
  const alg = algIdName(blob.algId) ?? describeAlgId(blob.algId);
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the others are key pairs
  switch (blob.type) {
    case 'SIMPLEBLOB': {
      const bits = 8 * blob.encryptedKey.length;
      return {
        summary: `A session key, ${alg}, wrapped for an RSA key of ${bits} bits.`,
        notes: [
          PADDING_NOT_IN_BLOB,
          ...(isPaddedInClear(blob.encryptedKey) ? [KEY_UNDER_ONE] : []),
          ...sessionKeyNotes(blob.algId),
          ...rsaNotes(bits),
        ],
      };
    }
    case 'agreed-SIMPLEBLOB':
      return {
        what: 'SIMPLEBLOB (agreed key)',
        summary: `A session key, ${alg}, wrapped under an agreed key, ${describeAlgId(blob.wrappingAlgId)}.`,
        notes: sessionKeyNotes(blob.algId),
      };
    case 'SYMMETRICWRAPKEYBLOB':
      return {
        summary: `A session key, ${alg}, wrapped under another, ${describeAlgId(blob.wrappingAlgId)} (RFC 3217).`,
        notes: [...sessionKeyNotes(blob.algId), ...sessionKeyNotes(blob.wrappingAlgId)],
      };
    case 'PLAINTEXTKEYBLOB':
      return {
        summary: `A session key, ${alg}, ${blob.key.length} bytes, not encrypted.`,
        notes: [
          warning(
            'KEY_IN_THE_CLEAR',
            'The session key is not encrypted: whoever reads this file has it.',
          ),
          ...keyNotes(blob.algId, blob.key.length),
          ...sessionKeyNotes(blob.algId),
        ],
      };
    case 'opaque':
      return {
        summary: `A ${type} of ${alg}, which is carried and not read.`,
        state: 'recognised',
        notes: [note('LAYOUT_NOT_PUBLISHED', 'Its inside has no public layout.')],
      };
    default:
      return describeKeyPair(blob, alg);
  }
}

type KeyPairBlob = Extract<KeyBlob, { readonly type: `${string}${'PUBLIC' | 'PRIVATE'}KEYBLOB` }>;

function describeKeyPair(blob: KeyPairBlob, alg: string): Description {
  switch (blob.type) {
    case 'PUBLICKEYBLOB':
      return {
        what: 'PUBLICKEYBLOB (RSA)',
        summary: `An RSA public key of ${blob.modulusBits} bits, ${slotOf(blob.algId)}.`,
        notes: rsaNotes(blob.modulusBits, blob.exponent),
      };
    case 'PRIVATEKEYBLOB':
      return {
        what: 'PRIVATEKEYBLOB (RSA)',
        summary: `An RSA private key of ${blob.modulusBits} bits, ${slotOf(blob.algId)}, not encrypted.`,
        notes: [IN_THE_CLEAR, ...rsaNotes(blob.modulusBits, blob.exponent)],
      };
    case 'DSS-PUBLICKEYBLOB':
    case 'DH-PUBLICKEYBLOB':
    case 'VER3-PUBLICKEYBLOB':
      return {
        what: `PUBLICKEYBLOB (${familyOf(blob.type)})`,
        summary: `A public key, ${alg}, of ${blob.primeBits} bits.`,
        notes: groupNotes(blob.primeBits),
      };
    case 'DSS-PRIVATEKEYBLOB':
    case 'DH-PRIVATEKEYBLOB':
    case 'VER3-PRIVATEKEYBLOB':
      return {
        what: `PRIVATEKEYBLOB (${familyOf(blob.type)})`,
        summary: `A private key, ${alg}, of ${blob.primeBits} bits, not encrypted.`,
        notes: [IN_THE_CLEAR, ...groupNotes(blob.primeBits)],
      };
    case 'encrypted-PRIVATEKEYBLOB':
      return {
        what: 'PRIVATEKEYBLOB (encrypted)',
        summary: `A private key, ${alg}, that a session key encrypts.`,
        notes: [
          note(
            'PRIVATE_KEY_ENCRYPTED',
            'With which key, algorithm and mode is not in the blob: whoever exported it must know.',
          ),
        ],
      };
  }
}

/** The slot of a container that the key came from, by aiKeyAlg. */
function slotOf(algId: number): string {
  return algId === ALG_ID.CALG_RSA_KEYX ? 'AT_KEYEXCHANGE' : 'AT_SIGNATURE';
}

/** `DSS`, `DH`, `VER3`. */
function familyOf(type: string): string {
  return type.slice(0, type.indexOf('-'));
}

function groupNotes(primeBits: number) {
  return primeBits < 2048
    ? [warning('SHORT_KEY', `A prime of ${primeBits} bits is no longer safe: 2048 is the least.`)]
    : [];
}

/** 00 02, nonzero padding, 00, key: the block as it is before RSA. A ciphertext looks so once in 65,536 times. */
function isPaddedInClear(block: Uint8Array): boolean {
  const end = block.indexOf(0, 2);
  return block[0] === 0 && block[1] === 2 && end >= 10 && block.length - end <= MAX_KEY + 1;
}

const PADDING_NOT_IN_BLOB = note(
  'PADDING_NOT_IN_BLOB',
  'The padding is not in the blob: PKCS#1 v1.5, or OAEP where CRYPT_OAEP was given.',
);
const KEY_UNDER_ONE = warning(
  'EXPONENT_OF_ONE',
  'The wrapped key looks like a padded key in clear: it was exported under a key with the exponent 1, and whoever reads this file has it.',
);
const IN_THE_CLEAR = warning(
  'PRIVATE_KEY_IN_THE_CLEAR',
  'The private key is not encrypted: whoever reads this file has it.',
);
/** RC2 keys, and HMAC keys in their guise, are the longest that travel so. */
const MAX_KEY = 128;
