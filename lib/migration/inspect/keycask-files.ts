/** Rows of keycask's own files: records, trust lists, key files, headers of encrypted files, the manifest, keycask.json. */
import { BlobReader } from '../../bytes/blob-reader.ts';
import { decodeBase64 } from '../../bytes/base64.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { decodeUtf8, toHex } from '../../bytes/octets.ts';
import { OID } from '../../cms/oids.ts';
import { decodeSignedData, type Signer } from '../../cms/signed-data.ts';
import { KeyStoreError } from '../../errors.ts';
import {
  decodeFileHeader,
  fileHeaderLength,
  FIXED_LENGTH,
  looksLikeFileHeader,
} from '../../file-encryption/file-header.ts';
import { decodeKeyFile } from '../../providers/key-files/key-file.ts';
import { decodeKeyRecord } from '../../records/decode.ts';
import { decodeLoggedLeaf } from '../../stores/logged/logged-leaf.ts';
import { decodeManifestEntry } from '../../stores/manifest/manifest-entry.ts';
import { MAX_LINE } from '../../stores/manifest/manifest-line.ts';
import { decodeTrustList } from '../../trust/trust-list.ts';
import { describeAlgId } from '../../blobs/alg-id.ts';
import { begins, isMessage } from './der-keys.ts';
import {
  formatReader,
  includes,
  note,
  type DecodedPart,
  type FileStart,
  type FormatReader,
} from './format-reader.ts';

/** Signatures are not checked here: `keycask verify` does. */
const NOT_VERIFIED = note(
  'NOT_VERIFIED',
  'Nothing was verified: `keycask verify` says whether it is what was signed.',
);

export const KEYCASK_FILES: readonly FormatReader[] = [
  {
    id: 'cask',
    what: '.cask header',
    detect: ({ bytes }) => looksLikeFileHeader(bytes),
    read: (bytes, { size }) => {
      const length = fileHeaderLength(bytes.subarray(0, FIXED_LENGTH));
      if (length > bytes.length)
        new BlobReader(bytes, '.cask header').failAt(
          28,
          'header length',
          `${bytes.length} bytes are here`,
        );
      const { context } = decodeFileHeader(bytes.subarray(0, length));
      const names = Object.keys(context);
      return {
        what: 'file that keycask encrypted (.cask)',
        summary: `An encrypted file: a header of ${length} bytes with a key record${
          names.length === 0 ? '' : `, context ${names.join(', ')}`
        }, then ${size - length} bytes of ciphertext.`,
        notes: [NOT_VERIFIED],
        rest: 'ciphertext',
      };
    },
    partFields: [{ format: '.cask header', field: 'record' }],
  },
  formatReader({
    id: 'key-record',
    what: 'key record of keycask',
    detect: ({ bytes }) => isMessage(bytes) && includes(bytes, OID.metadata),
    decode: decodeKeyRecord,
    describe: ({ metadata, recipients, profile, signingTime }) => ({
      summary: `Key record ${toHex(metadata.recordId)}, version ${metadata.recordVersion}, ${describeAlgId(metadata.algorithm)}, "${metadata.label}", profile ${profile}, ${recipients.length} ${
        recipients.length === 1 ? 'recipient' : 'recipients'
      }, signed ${signingTime.toISOString()}.`,
      notes: [NOT_VERIFIED],
    }),
  }),
  formatReader({
    id: 'trust-list',
    what: 'trust list of keycask (trust.cms)',
    detect: ({ bytes }) => isMessage(bytes) && includes(bytes, OID.trust),
    decode: (bytes) => {
      const { message } = decodeSignedData<Signer>(bytes, ['trust'], (keyId, certificate) => ({
        keyId,
        certificate,
        publicKey: new Uint8Array(0),
      }));
      return decodeTrustList(message.content);
    },
    describe: ({ trustVersion, containers, signers, manifestHead }) => ({
      summary: `Trust list version ${trustVersion}: ${containers.length} containers, ${signers.length} signers, manifest entry ${manifestHead.index}.`,
      notes: [NOT_VERIFIED],
    }),
  }),
  formatReader({
    id: 'key-file',
    what: 'key file of keycask',
    detect: ({ bytes }) =>
      begins(
        bytes,
        TAG.INTEGER,
        TAG.SEQUENCE,
        TAG.SEQUENCE,
        TAG.OCTET_STRING,
        TAG.OCTET_STRING,
        TAG.OCTET_STRING,
      ),
    decode: decodeKeyFile,
    describe: ({ facts, protector }) => ({
      summary: `Private key "${facts.name}", ${facts.algorithm}, sealed under ${protector.name}.`,
    }),
    partFields: [{ format: 'KeyFile', field: 'publicKey', take: 'whole' }],
  }),
  formatReader({
    id: 'manifest-entry',
    what: 'manifest entry of keycask',
    detect: ({ bytes }) => beginsAsEntry(bytes) && contentVersion(bytes) !== 2,
    decode: decodeManifestEntry,
    describe: ({ index, signingTime }) => ({
      summary: `Manifest entry ${index}, signed ${signingTime.toISOString()}.`,
      notes: [NOT_VERIFIED],
    }),
  }),
  formatReader({
    id: 'logged-leaf',
    what: 'entry of the log over records, of keycask',
    detect: ({ bytes }) => beginsAsEntry(bytes) && contentVersion(bytes) === 2,
    decode: decodeLoggedLeaf,
    describe: ({ homeId, signingTime }) => ({
      summary: `An entry by home ${toHex(homeId)}, signed ${signingTime.toISOString()}.`,
      notes: [NOT_VERIFIED],
    }),
  }),
  {
    id: 'manifest',
    what: 'manifest.log of keycask',
    detect: isManifest,
    read: (bytes) => {
      const lines = manifestLines(new BlobReader(bytes, 'manifest.log').rest('lines'));
      return { summary: `A manifest of ${lines.length} or more lines.`, notes: [NOT_VERIFIED] };
    },
    decodeParts: (bytes) =>
      manifestLines(bytes)
        .slice(0, MAX_ENTRIES)
        .flatMap((line, i): DecodedPart[] => {
          const der = decodeBase64(line);
          return der === undefined ? [] : [{ name: `line ${i + 1}`, bytes: der }];
        }),
  },
  {
    id: 'keycask-json',
    what: 'keycask.json',
    detect: ({ bytes }) => isConfiguration(jsonOf(bytes)),
    read: (bytes) => {
      const text = new BlobReader(bytes, 'keycask.json').rest('text');
      const { provider, protector } = jsonOf(text)!;
      return {
        summary: `Configuration of a home: provider ${String(provider)}${typeof protector === 'string' ? `, protector ${protector}` : ''}.`,
      };
    },
  },
];

/** A JSON object; undefined for anything else. */
export function jsonOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (bytes.length > MAX_JSON || !/^\s*\{/u.test(String.fromCharCode(...bytes.subarray(0, 16))))
    return undefined;
  const text = decodeUtf8(bytes);
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isConfiguration(json: Readonly<Record<string, unknown>> | undefined): boolean {
  const isKnown = json?.['version'] === 1 || json?.['version'] === 2;
  return isKnown && typeof json['provider'] === 'string';
}

/** An entry of the manifest, or a leaf of a log over records. */
function beginsAsEntry(bytes: Uint8Array): boolean {
  return begins(bytes, TAG.SEQUENCE, TAG.GENERALIZED_TIME, TAG.ENUMERATED, TAG.OCTET_STRING);
}

/** The version that the content of such an entry begins with, in its one byte. */
function contentVersion(bytes: Uint8Array): number | undefined {
  const outer = headerLength(bytes, 0);
  const content = outer + headerLength(bytes, outer);
  return bytes[content] === TAG.INTEGER && bytes[content + 1] === 1
    ? bytes[content + 2]
    : undefined;
}

/** Bytes of a tag and its length. */
function headerLength(bytes: Uint8Array, at: number): number {
  const length = bytes[at + 1] ?? 0;
  return 2 + (length > LONG_FORM ? length - LONG_FORM : 0);
}

/** The first line that is whole is base64 of an entry. */
function isManifest({ bytes }: FileStart): boolean {
  if (bytes[0] !== NEWLINE && bytes[0] !== LETTER_M) return false;
  const [first] = manifestLines(bytes.subarray(0, 2 * MAX_LINE));
  const der = first && decodeBase64(first);
  if (!der) return false;
  try {
    decodeManifestEntry(der);
    return true;
  } catch (error) {
    if (KeyStoreError.is(error)) return false;
    throw error;
  }
}

/** Lines with something in them. */
function manifestLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, from);
    const to = newline < 0 ? bytes.length : newline;
    if (to > from) lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
}

/** From here on, how many bytes the length has. */
const LONG_FORM = 0x80;
const NEWLINE = 0x0a;
/** Base64 of a SEQUENCE longer than 127 bytes. */
const LETTER_M = 0x4d;
const MAX_JSON = 1 << 16;
const MAX_ENTRIES = 16;
