/** Rows of CNG's key blobs. Layouts: lib/blobs/cng-*.ts. DER, and what only its name tells, is not among them. */
import { decodeCngBlob, type CngBlob } from '../../blobs/cng-blob.ts';
import { cngLayoutOf, type CngLayout } from '../../blobs/cng-blob-layout.ts';
import { KeyStoreError } from '../../errors.ts';
import type { InspectionNote } from '../inspection.ts';
import { rsaNotes } from './advice.ts';
import { formatReader, warning, type Description } from './format-reader.ts';

/** One row for each layout that is told by its magic. */
export const CNG_BLOBS = (
  [
    'RSAPUBLICBLOB',
    'RSAPRIVATEBLOB',
    'RSAFULLPRIVATEBLOB',
    'ECCPUBLICBLOB',
    'ECCPRIVATEBLOB',
    'ECCFULLPUBLICBLOB',
    'ECCFULLPRIVATEBLOB',
    'DSAPUBLICBLOB',
    'DSAPRIVATEBLOB',
    'DSAParameters',
    'DHPUBLICBLOB',
    'DHPRIVATEBLOB',
    'DHParameters',
    'KeyDataBlob',
    'CipherKeyBlob',
    'ProtectedKeyBlob',
    'KDFKeyBlob',
    'PcpTpmProtectedKeyBlob',
    'MLKEMPUBLICBLOB',
    'MLKEMPRIVATEBLOB',
    'MLKEMPRIVATESEEDBLOB',
    'PQDSAPUBLICBLOB',
    'PQDSAPRIVATEBLOB',
    'PQDSAPRIVATESEEDBLOB',
  ] as const
).map((layout) =>
  formatReader<CngBlob & Disposable>({
    id: layout.toLowerCase(),
    what: layout,
    detect: ({ bytes }) => layoutOf(bytes) === layout,
    decode: (bytes) => decodeCngBlob(bytes, layout),
    describe,
  }),
);

function layoutOf(bytes: Uint8Array): CngLayout | undefined {
  try {
    return bytes.length < 8 ? undefined : cngLayoutOf(bytes);
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

function describe(blob: CngBlob): Description {
  const isPrivate = /PRIVATE/u.test(blob.type);
  const half = isPrivate ? 'private key' : 'public key';
  const notes: InspectionNote[] = isPrivate
    ? [
        warning(
          'PRIVATE_KEY_IN_THE_CLEAR',
          'The private key is not encrypted: whoever reads this file has it.',
        ),
      ]
    : [];
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the others have one sentence each
  switch (blob.type) {
    case 'RSAPUBLICBLOB':
    case 'RSAPRIVATEBLOB':
    case 'RSAFULLPRIVATEBLOB':
      return {
        summary: `An RSA ${half} of CNG, ${blob.modulusBits} bits.`,
        notes: [...notes, ...rsaNotes(blob.modulusBits, blob.exponent)],
      };
    case 'ECCPUBLICBLOB':
    case 'ECCPRIVATEBLOB':
      return {
        summary: `An elliptic ${half} of CNG, ${blob.algorithm} on ${blob.curve === 'generic' ? 'a curve that is named elsewhere' : blob.curve}.`,
        notes,
      };
    case 'KeyDataBlob':
      return {
        summary: `A symmetric key of CNG, ${blob.key.length} bytes, not encrypted.`,
        notes: [KEY_IN_THE_CLEAR],
      };
    case 'CipherKeyBlob':
      return {
        summary: `A symmetric key of a key storage provider, ${blob.algorithm}, ${blob.key.length} bytes, not encrypted.`,
        notes: [KEY_IN_THE_CLEAR],
      };
    case 'ProtectedKeyBlob':
      return {
        summary: `A symmetric key, ${blob.algorithm}, that the provider that wrote it opens.`,
      };
    default:
      return { summary: `${SUMMARIES[blob.type] ?? `A ${half} of CNG`}.`, notes };
  }
}

const KEY_IN_THE_CLEAR = warning(
  'KEY_IN_THE_CLEAR',
  'The key is not encrypted: whoever reads this file has it.',
);
const SUMMARIES: Readonly<Record<string, string>> = {
  ECCFULLPUBLICBLOB: 'An elliptic public key of CNG with its curve',
  ECCFULLPRIVATEBLOB: 'An elliptic private key of CNG with its curve',
  DSAPUBLICBLOB: 'A DSA public key of CNG',
  DSAPRIVATEBLOB: 'A DSA private key of CNG',
  DSAParameters: 'A group for DSA keys of CNG',
  DHPUBLICBLOB: 'A Diffie-Hellman public key of CNG',
  DHPRIVATEBLOB: 'A Diffie-Hellman private key of CNG',
  DHParameters: 'A group for Diffie-Hellman keys of CNG',
  KDFKeyBlob: 'A key of CNG for key derivation',
  PcpTpmProtectedKeyBlob: 'A key of a TPM, which opens there only',
  MLKEMPUBLICBLOB: 'An ML-KEM encapsulation key of CNG',
  MLKEMPRIVATEBLOB: 'An ML-KEM decapsulation key of CNG',
  MLKEMPRIVATESEEDBLOB: 'The seed of an ML-KEM key of CNG',
  PQDSAPUBLICBLOB: 'A post-quantum signature key of CNG, public',
  PQDSAPRIVATEBLOB: 'A post-quantum signature key of CNG, private',
  PQDSAPRIVATESEEDBLOB: 'The seed of a post-quantum signature key of CNG',
};
