/** The report of a migration: what became of each key and each data file, as JSON and for people. No secret is in it. */
import type { KeyStoreErrorCode } from '../errors.ts';
import { counted } from '../bytes/counted.ts';
import type { Risk } from './risks.ts';
import type { SkippedPath } from './source-files.ts';

/** A session key that was brought over. */
export interface MigratedKey {
  readonly path: string;
  readonly blobType: string;
  /** `CALG_RC4 (0x6801)` */
  readonly algorithm: string;
  readonly bits: number;
  readonly effectiveBits: number;
  readonly label: string;
  /** What opened the blob. */
  readonly openedBy: OpenedBy;
  /** Record id; absent in a dry run. */
  readonly id?: string;
  /** `present`: an earlier run stored it. */
  readonly state: 'stored' | 'present' | 'opens';
  /**
   * How it is known that the record holds the key of the blob: by its commitment, or, for keys under 128 bits, whose commitment says nothing
   * without the record's own key, by opening the record.
   */
  readonly proof?: 'commitment' | 'opened';
}

/** What opened a blob. */
export interface OpenedBy {
  /** For people: file and container; of a blob in the clear that nothing was needed. */
  readonly with: string;
  /** Subject key identifier of the private key, hex. */
  readonly keyId?: string;
  readonly padding?: 'pkcs1' | 'oaep';
  readonly byteOrder?: 'little-endian' | 'big-endian';
}

/** A data file that was decrypted and encrypted again; the old one is as it was. */
export interface MigratedDataFile {
  readonly path: string;
  readonly target: string;
  /** Plaintext bytes. */
  readonly bytes: number;
  /** SHA-256 of the plaintext that the old key gave, and that the new file gave when it was read back; hex. */
  readonly sha256: string;
  /** Record id of the old session key. */
  readonly oldKeyId?: string;
  /** Record id of the new one. */
  readonly newKeyId?: string;
  /** What the old file was decrypted with: `CALG_3DES, cbc, IV of zeros`. */
  readonly cipher: string;
  /** How sure it is that this is the plaintext: old data has nothing that authenticates it. */
  readonly certainty: string;
  readonly state: 'encrypted' | 'present' | 'opens';
}

/** What could not be done. */
export interface MigrationFailure {
  readonly path: string;
  readonly code: KeyStoreErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface MigrationReport {
  readonly format: 'keycask migration report';
  readonly version: 1;
  readonly run: string;
  readonly dryRun: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly storeId: string;
  readonly roots: readonly string[];
  readonly counts: MigrationCounts;
  /** Private keys that were found, each named once however many files it is in. */
  readonly privateKeys: readonly ReportedPrivateKey[];
  readonly keys: readonly MigratedKey[];
  readonly data: readonly MigratedDataFile[];
  readonly failures: readonly MigrationFailure[];
  readonly risks: readonly Risk[];
  readonly skipped: readonly SkippedPath[];
}

export interface MigrationCounts {
  readonly files: number;
  readonly keysStored: number;
  readonly keysPresent: number;
  readonly keysThatOpen: number;
  readonly keysFailed: number;
  readonly dataFiles: number;
  readonly failures: number;
}

export interface ReportedPrivateKey {
  readonly keyId: string;
  readonly modulusBits: number;
  readonly found: readonly string[];
  /** How many session keys it opened. */
  readonly opened: number;
}

/** The report for people, in Markdown. */
export function reportText(report: MigrationReport): string {
  const { counts, keys, data, failures, risks, privateKeys, skipped } = report;
  const present = data.filter(({ state }) => state === 'present').length;
  const lines = [
    `# Migration ${report.run}${report.dryRun ? ' (dry run: nothing was stored)' : ''}`,
    '',
    `${report.startedAt} to ${report.endedAt}, into the store ${report.storeId}. From: ${report.roots.map(code).join(', ')}.`,
    '',
    `- ${counted(counts.files, 'file')} looked at, ${skipped.length} not.`,
    report.dryRun
      ? `- Session keys that open: ${counts.keysThatOpen}.`
      : `- ${counted(counts.keysStored, 'session key')} stored, ${counts.keysPresent} had been stored before.`,
    report.dryRun
      ? `- Data files that decrypt: ${counts.dataFiles}.`
      : `- ${counted(counts.dataFiles - present, 'data file')} encrypted again, ${present} had been before.`,
    `- ${counted(counts.failures, 'thing')} could not be done.`,
    '',
    'The originals are as they were. Migrated keys decrypt only until `keycask trust adopt ID`: nothing says who made the old blobs.',
    ...section('What could not be done', failures, ({ path, code: errorCode, message, hint }) =>
      [
        `${code(path)}: ${plain(message)} (${errorCode}).`,
        ...(hint === undefined ? [] : [plain(hint)]),
      ].join(' '),
    ),
    ...section(
      'What was not looked at',
      skipped.slice(0, SHOWN_SKIPPED),
      ({ path, reason }) => `${code(path)}: ${REASONS[reason]}`,
    ),
    ...(skipped.length > SHOWN_SKIPPED
      ? [`- and ${skipped.length - SHOWN_SKIPPED} more: see report.json`]
      : []),
    ...section('Risks', risks, ({ severity, text, advice, count, paths }) =>
      [
        `**${severity}**, ${counted(count, 'file')}: ${text} ${advice}`,
        `(${shortList(paths, count)})`,
      ].join(' '),
    ),
    ...section(
      'Private keys',
      privateKeys,
      ({ keyId, modulusBits, found, opened }) =>
        `${keyId}, RSA ${modulusBits}, opened ${counted(opened, 'session key')}: ${found.map(code).join(', ')}`,
    ),
    ...section('Session keys', keys, (key) =>
      [
        `${code(key.path)}: ${key.algorithm}, ${key.bits} bits, opened by ${code(key.openedBy.with)}`,
        ...(key.id === undefined ? [] : [`record ${key.id}`]),
        ...(key.proof === undefined ? [] : [`same key, proved by ${PROOFS[key.proof]}`]),
      ].join('; '),
    ),
    ...section(
      'Data files',
      data,
      ({ path, target, bytes, sha256, cipher, certainty }) =>
        `${code(path)} → ${code(target)}: ${counted(bytes, 'byte')}, SHA-256 ${sha256}, ${cipher}, ${certainty}`,
    ),
    '',
  ];
  return lines.join('\n');
}

/** What is signed: which report, and what it comes to. */
export interface MigrationStatement {
  readonly format: 'keycask migration statement';
  readonly version: 1;
  readonly run: string;
  readonly storeId: string;
  readonly endedAt: string;
  readonly counts: MigrationCounts;
  /** Of the JSON report, hex. */
  readonly reportSha256: string;
}

export function statementOf(report: MigrationReport, reportSha256: string): MigrationStatement {
  const { run, storeId, endedAt, counts } = report;
  const format = 'keycask migration statement';
  return { format, version: 1, run, storeId, endedAt, counts, reportSha256 };
}

function section<T>(title: string, rows: readonly T[], line: (row: T) => string): string[] {
  if (rows.length === 0) return [];
  return ['', `## ${title}`, '', ...rows.map((row) => `- ${line(row)}`)];
}

function shortList(paths: readonly string[], count: number): string {
  const shown = paths.slice(0, SHOWN_PATHS).map(code);
  return count > shown.length ? `${shown.join(', ')}, …` : shown.join(', ');
}

/** Names come from whoever made the files: no Markdown, no line breaks, no control characters. */
function code(text: string): string {
  return `\`${text.replaceAll(UNPRINTABLE, '\u{fffd}').replaceAll('`', '\u{fffd}')}\``;
}

/** A sentence of keycask's own, which may name a file. */
function plain(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\u{fffd}').replaceAll('<', '&lt;');
}

/** Control, format (bidirectional overrides among them), line and paragraph separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const PROOFS = { commitment: 'its commitment', opened: 'opening the record' } as const;
const REASONS: Readonly<Record<SkippedPath['reason'], string>> = {
  'symbolic-link': 'a symbolic link; name what it leads to',
  'special-file': 'neither a file nor a folder',
  unreadable: 'it could not be read',
  'too-deep': 'folders below it are too deep',
};
const SHOWN_PATHS = 5;
const SHOWN_SKIPPED = 100;
