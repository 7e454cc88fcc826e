/** Rows of DPAPI's files, of key containers, and of Wine's own. Layouts: lib/windows-files. */
import { describeAlgId } from '../../blobs/alg-id.ts';
import { decodeCapiContainerFile } from '../../windows-files/capi-container-file.ts';
import { decodeCapiRsaPrivateKey, decodeCapiRsaPublicKey } from '../../windows-files/capi-key.ts';
import { decodeCngContainerFile } from '../../windows-files/cng-container-file.ts';
import { decodeCredHist } from '../../windows-files/cred-hist.ts';
import { decodeDomainBackupKey } from '../../windows-files/domain-backup-key.ts';
import { decodeDpapiBlob, DPAPI_FLAG } from '../../windows-files/dpapi-blob.ts';
import { decodeMasterKeyFile, MASTER_KEY_FLAG } from '../../windows-files/master-key-file.ts';
import { decodePcpKeyFile, PCP_KEY_FILE_MAGIC } from '../../windows-files/pcp-key-file.ts';
import { decodePreferred } from '../../windows-files/preferred.ts';
import { decodeRoamedCngKey, ROAMED_CNG_KEY_MAGIC } from '../../windows-files/roamed-cng-key.ts';
import { decodeWineProtectBlob, isWineProtectBlob } from '../../windows-files/wine-protect-blob.ts';
import { hashNotes, rsaNotes, sessionKeyNotes } from './advice.ts';
import { formatReader, hasAt, note, u32At, warning, type FileStart } from './format-reader.ts';

export const WINDOWS_FILES = [
  formatReader({
    id: 'dpapi-blob',
    what: 'DPAPI blob',
    detect: ({ bytes }) => u32At(bytes, 0) === 1 && hasAt(bytes, 4, DPAPI_PROVIDER),
    decode: (bytes) => decodeDpapiBlob(bytes),
    describe: (blob) => ({
      summary: `What CryptProtectData protected${described(blob.description)}, for ${
        blob.flags & DPAPI_FLAG.CRYPTPROTECT_LOCAL_MACHINE ? 'the machine' : 'one user'
      }: ${describeAlgId(blob.cryptAlgId)} with ${describeAlgId(blob.hashAlgId)}, under master key ${blob.masterKeyGuid}.`,
      notes: sessionKeyNotes(blob.cryptAlgId),
    }),
  }),
  formatReader({
    id: 'wine-protect-blob',
    what: "Wine's protected blob",
    detect: ({ bytes }) => isWineProtectBlob(bytes),
    decode: decodeWineProtectBlob,
    describe: ({ description }) => ({
      summary: `What Wine's CryptProtectData protected${described(description)}.`,
      notes: [
        warning(
          'WINE_NOT_DPAPI',
          'It is not DPAPI: its key comes from the name of the user and a fixed text, so that whoever reads the file can open it.',
        ),
      ],
    }),
  }),
  formatReader({
    id: 'master-key-file',
    what: 'DPAPI master key file',
    detect: ({ bytes }) =>
      u32At(bytes, 0) === 2 &&
      u32At(bytes, 4) === 0 &&
      u32At(bytes, 8) === 0 &&
      hasAt(bytes, 28, DASH),
    decode: (bytes) => decodeMasterKeyFile(bytes),
    describe: ({ guid, flags, masterKey, backupKey, credHist, domainKey }) => {
      const sections = [
        masterKey &&
          `the master key (${masterKey.rounds} rounds, ${describeAlgId(masterKey.cryptAlgId)})`,
        backupKey && 'the local backup key',
        credHist && `a reference to CREDHIST entry ${credHist.guid}`,
        domainKey && `the copy for domain backup key ${domainKey.backupKeyGuid}`,
      ].filter((section) => section !== undefined);
      const hash = flags & MASTER_KEY_FLAG.SHA1_OF_PASSWORD ? 'SHA-1' : 'NT hash';
      return {
        summary: `Master key ${guid}, under the ${hash} of a password: ${sections.join(', ') || 'no section'}.`,
        notes: masterKey ? hashNotes(masterKey.hashAlgId) : [],
      };
    },
  }),
  formatReader({
    id: 'credhist',
    what: 'CREDHIST',
    detect: isCredHist,
    decode: decodeCredHist,
    describe: ({ entries }) => ({
      summary: `Hashes of ${entries.length} former ${entries.length === 1 ? 'password' : 'passwords'} of a user, each under the next.`,
    }),
  }),
  formatReader({
    id: 'preferred',
    what: 'Preferred (DPAPI)',
    detect: isPreferred,
    decode: decodePreferred,
    describe: ({ guid }) => ({ summary: `New DPAPI blobs are made under master key ${guid}.` }),
  }),
  formatReader({
    id: 'domain-backup-key',
    what: 'DPAPI domain backup key',
    detect: isDomainBackupKey,
    decode: decodeDomainBackupKey,
    describe: ({ version }) => ({
      summary: `A DPAPI backup key of a domain, version ${version}, not encrypted.`,
      notes: [
        warning(
          'PRIVATE_KEY_IN_THE_CLEAR',
          'It opens the master key of every user of the domain, and is not encrypted.',
        ),
      ],
    }),
    partFields: [
      { format: 'domain backup key', field: 'PRIVATEKEYBLOB' },
      { format: 'domain backup key', field: 'certificate' },
    ],
  }),
  formatReader({
    id: 'capi-container-file',
    what: 'CryptoAPI container file',
    detect: isCapiContainerFile,
    decode: (bytes) => decodeCapiContainerFile(bytes),
    describe: ({ name, exchange, signature }) => {
      const keys = [exchange && 'an exchange key', signature && 'a signature key'].filter(Boolean);
      return {
        summary: `Key container "${name}" of a Microsoft CSP: ${keys.join(' and ') || 'no keys'}.`,
      };
    },
    partFields: [
      'siPublicKey',
      'siPrivateKey',
      'siExportFlag',
      'exPublicKey',
      'exPrivateKey',
      'exExportFlag',
    ].map((field) => ({ format: 'CryptoAPI container file', field })),
  }),
  formatReader({
    id: 'cng-container-file',
    what: 'CNG key file',
    detect: isCngContainerFile,
    decode: (bytes) => decodeCngContainerFile(bytes),
    describe: ({ name }) => ({
      summary: `Key "${name}" of CNG's software key storage provider.`,
    }),
    partFields: [
      { format: 'CNG key file', field: 'property' },
      { format: 'CNG key file', field: 'private properties' },
      { format: 'CNG key file', field: 'private key' },
    ],
  }),
  formatReader({
    id: 'roamed-cng-key',
    what: 'roamed CNG key',
    detect: ({ bytes }) => u32At(bytes, 0) === ROAMED_CNG_KEY_MAGIC,
    decode: decodeRoamedCngKey,
    describe: ({ name }) => ({
      summary: `Key "${name}" of CNG as credential roaming keeps it in Active Directory, with its master key.`,
    }),
    partFields: [
      { format: 'roamed CNG key', field: 'key' },
      { format: 'roamed CNG key', field: 'master key' },
    ],
  }),
  formatReader({
    id: 'pcp-key-file',
    what: 'PCPKSP key file',
    detect: ({ bytes }) => u32At(bytes, 0) === PCP_KEY_FILE_MAGIC,
    decode: decodePcpKeyFile,
    describe: () => ({
      summary:
        'A key of a TPM (Microsoft Platform Crypto Provider): it opens on that machine only.',
      state: 'recognised',
      notes: [note('LAYOUT_NOT_PUBLISHED', 'Its inside is not read.')],
    }),
  }),
  formatReader({
    id: 'capi-public-key',
    what: 'BSAFE_PUB_KEY',
    detect: ({ bytes }) => isCapiKey(bytes, RSA1),
    decode: decodeCapiRsaPublicKey,
    describe: ({ modulusBits, exponent }) => ({
      summary: `An RSA public key of ${modulusBits} bits, as a container file has it.`,
      notes: rsaNotes(modulusBits, exponent),
    }),
  }),
  formatReader({
    id: 'capi-private-key',
    what: 'BSAFE_PRV_KEY',
    detect: ({ bytes }) => isCapiKey(bytes, RSA2),
    decode: decodeCapiRsaPrivateKey,
    describe: ({ modulusBits, exponent }) => ({
      summary: `An RSA private key of ${modulusBits} bits, as DPAPI gives it of a container file, not encrypted.`,
      notes: [
        warning(
          'PRIVATE_KEY_IN_THE_CLEAR',
          'The private key is not encrypted: whoever reads this file has it.',
        ),
        ...rsaNotes(modulusBits, exponent),
      ],
    }),
  }),
];

function described(description: string | undefined): string {
  return description === undefined || description === '' ? '' : ` ("${description}")`;
}

function isCredHist({ bytes, size, name }: FileStart): boolean {
  if (name?.toUpperCase() === 'CREDHIST') return true;
  if (size !== bytes.length || size < MIN_CREDHIST || u32At(bytes, 0) !== 1) return false;
  const last = u32At(bytes, size - 4);
  return (
    u32At(bytes, 20) === 0 &&
    last >= MIN_CREDHIST - 24 &&
    last <= size - 24 &&
    u32At(bytes, size - last) === 1
  );
}

/** A version 4 GUID and a time between 1994 and 2055. */
function isPreferred({ bytes, size, name }: FileStart): boolean {
  if (size !== 24) return false;
  const high = u32At(bytes, 20);
  return (
    name?.toLowerCase() === 'preferred' ||
    ((bytes[7]! & 0xf0) === 0x40 && high > 0x01b9_0000 && high < 0x0200_0000)
  );
}

function isDomainBackupKey({ bytes, size }: FileStart): boolean {
  const version = u32At(bytes, 0);
  if (version === 1) return size === 260;
  return (
    (version === 2 || version === 3) && hasAt(bytes, 12, PRIVATEKEYBLOB) && u32At(bytes, 4) < size
  );
}

/** The lengths in its header are those of the file. */
function isCapiContainerFile({ bytes, size }: FileStart): boolean {
  if (u32At(bytes, 0) !== 2 || u32At(bytes, 4) !== 0 || bytes.length < 40) return false;
  const parts = [8, 12, 16, 20, 24, 28, 32, 36].map((at) => u32At(bytes, at));
  return 40 + parts.reduce((sum, length) => sum + length, 0) === size;
}

function isCngContainerFile({ bytes, size }: FileStart): boolean {
  if (u32At(bytes, 0) !== 1 || u32At(bytes, 4) !== 0 || bytes.length < 44) return false;
  const parts = [8, 16, 20, 24].map((at) => u32At(bytes, at));
  return 44 + parts.reduce((sum, length) => sum + length, 0) === size;
}

/** keylen is 8 more than the bytes of bitlen; the other blobs that begin so have something else there. */
function isCapiKey(bytes: Uint8Array, magic: number): boolean {
  return u32At(bytes, 0) === magic && u32At(bytes, 4) === Math.ceil(u32At(bytes, 8) / 8) + 8;
}

/** df9d8cd0-1501-11d1-8c7a-00c04fc297eb as it lies. */
const DPAPI_PROVIDER = [
  0xd0, 0x8c, 0x9d, 0xdf, 0x01, 0x15, 0xd1, 0x11, 0x8c, 0x7a, 0x00, 0xc0, 0x4f, 0xc2, 0x97, 0xeb,
];
/** The first dash of a GUID in UTF-16. */
const DASH = [0x2d, 0x00];
const PRIVATEKEYBLOB = [0x07, 0x02, 0x00, 0x00];
/** Head, and an entry with the shortest SID. */
const MIN_CREDHIST = 24 + 44 + 8 + 40 + 24;
const RSA1 = 0x31415352;
const RSA2 = 0x32415352;
