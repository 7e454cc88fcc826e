/** Rows of signed logs: checkpoints, proofs, journal entries. */
import { TAG } from '../../bytes/der-tags.ts';
import { toHex } from '../../bytes/octets.ts';
import { OID } from '../../cms/oids.ts';
import { decodeSignedData, type Signer } from '../../cms/signed-data.ts';
import { decodeCheckpoint } from '../../signed-log/checkpoint.ts';
import { decodeJournalEntry } from '../../signed-log/file/journal-entry.ts';
import { decodeConsistencyProof, decodeInclusionProof } from '../../signed-log/proof-codec.ts';
import { begins, hasNumber, isMessage } from './der-keys.ts';
import { formatReader, includes, note, type FormatReader } from './format-reader.ts';

/** docs/formats/signed-log.md says how each is checked. */
const NOT_VERIFIED = note('NOT_VERIFIED', 'Nothing was verified: this is what it says of itself.');
const PROOF = [TAG.INTEGER, TAG.ENUMERATED, TAG.INTEGER, TAG.INTEGER, TAG.SEQUENCE] as const;
/** Where a proof says which kind it is. */
const KIND = 1;

export const SIGNED_LOG_FILES: readonly FormatReader[] = [
  formatReader({
    id: 'log-checkpoint',
    what: 'checkpoint of a signed log',
    detect: ({ bytes }) => isMessage(bytes) && includes(bytes, OID.checkpoint),
    decode: (bytes) => {
      const { message } = decodeSignedData<Signer>(bytes, ['checkpoint'], (keyId, certificate) => ({
        keyId,
        certificate,
        publicKey: new Uint8Array(0),
      }));
      return { ...decodeCheckpoint(message.content), signingTime: message.signingTime };
    },
    describe: ({ logId, size, signingTime }) => ({
      summary: `Checkpoint of log ${toHex(logId)}: ${size} leaves, signed ${signingTime.toISOString()}.`,
      notes: [NOT_VERIFIED],
    }),
  }),
  formatReader({
    id: 'log-inclusion-proof',
    what: 'inclusion proof of a signed log',
    detect: ({ bytes }) => begins(bytes, ...PROOF) && hasNumber(bytes, KIND, 1),
    decode: decodeInclusionProof,
    describe: ({ index, size, hashes }) => ({
      summary: `Proof that a leaf stands at ${index} of a log of ${size}: ${hashes.length} hashes.`,
      notes: [NOT_VERIFIED],
    }),
  }),
  formatReader({
    id: 'log-consistency-proof',
    what: 'consistency proof of a signed log',
    detect: ({ bytes }) => begins(bytes, ...PROOF) && hasNumber(bytes, KIND, 2),
    decode: decodeConsistencyProof,
    describe: ({ olderSize, newerSize, hashes }) => ({
      summary: `Proof that a log of ${newerSize} leaves goes on from one of ${olderSize}: ${hashes.length} hashes.`,
      notes: [NOT_VERIFIED],
    }),
  }),
  formatReader({
    id: 'log-journal-entry',
    what: 'journal entry of a signed log',
    detect: ({ bytes }) =>
      begins(
        bytes,
        TAG.INTEGER,
        TAG.INTEGER,
        TAG.OCTET_STRING,
        TAG.OCTET_STRING,
        TAG.INTEGER,
        TAG.INTEGER,
        TAG.SEQUENCE,
        TAG.SEQUENCE,
        TAG.OCTET_STRING,
      ),
    decode: decodeJournalEntry,
    describe: ({ sequence, size, leaves }) => ({
      summary: `Journal entry ${sequence}: ${leaves.length} leaves after ${size}.`,
      notes: [NOT_VERIFIED],
    }),
  }),
];
