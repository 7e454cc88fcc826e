/**
 * A migration's report on disk:
 *
 *   report.json    everything, for programs
 *   report.md      the same, for people
 *   report.cms     a signed statement: the counts, and SHA-256 of report.json; `openssl cms -verify` reads it
 *
 * The statement is signed and not the report itself: that has a line for each of perhaps a million keys.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { writeDurably } from '../platform/durable-file.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { readStart } from '../platform/read-start.ts';
import type { SessionKeyStore } from '../session-key-store.ts';
import { openReport, signReport } from '../session-key-store/inside.ts';
import { prepareFolder } from './output-folder.ts';
import {
  reportText,
  statementOf,
  type MigrationReport,
  type MigrationStatement,
} from './report.ts';

/** Where the parts of a report are. */
export interface SavedReport {
  readonly json: string;
  readonly text: string;
  readonly signed: string;
}

/**
 * Makes the folder of a report and looks into it, before there is much work to report on.
 *
 * @throws KeyStoreError FILE_EXISTS where there is a report.json that keycask did not write; PERMISSION_DENIED, FILE_WRONG_TYPE, STORAGE_READ_ONLY.
 */
export async function prepareReport(folder: string): Promise<void> {
  await prepareFolder(folder, 0o700);
  const { json } = pathsOf(folder);
  const present = readIfPossible(json);
  if (present === undefined || decodeUtf8(present)?.includes(REPORT_FORMAT) === true) return;
  throw new KeyStoreError('FILE_EXISTS', `${json} is there already, and is no report of keycask`, {
    hint: 'Name another folder with --report.',
  });
}

function readIfPossible(path: string): Uint8Array | undefined {
  try {
    return readStart(path, HEAD);
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}

/**
 * Writes a report, signed by the home's container.
 *
 * @param folder - Made where it is not there. Files of an earlier report in it are replaced.
 * @throws KeyStoreError PERMISSION_DENIED, STORAGE_FULL, STORAGE_READ_ONLY, FILE_WRONG_TYPE, and what signing throws.
 */
export async function saveReport(
  store: SessionKeyStore,
  report: MigrationReport,
  folder: string,
): Promise<SavedReport> {
  await withFsErrors(folder, () => makeFolder(folder, 0o700));
  const paths = pathsOf(folder);
  const json = encodeUtf8(`${JSON.stringify(report, undefined, 2)}\n`);
  const statement = statementOf(report, sha256(json));
  const signed = await signReport(
    store,
    encodeUtf8(`${JSON.stringify(statement, undefined, 2)}\n`),
  );
  await writeDurably(paths.json, json, { place: 'replace' });
  await writeDurably(paths.text, encodeUtf8(reportText(report)), { place: 'replace' });
  await writeDurably(paths.signed, signed, { place: 'replace' });
  return paths;
}

/**
 * Verifies a saved report: that a trusted signer signed the statement, and that report.json is the one that it speaks of.
 *
 * @returns What was signed.
 * @throws KeyStoreError BLOB_SIGNER_NOT_TRUSTED, BLOB_SIGNATURE_INVALID (NTE_BAD_SIGNATURE), BLOB_MALFORMED (NTE_BAD_DATA), FILE_NOT_FOUND; FILE_DAMAGED where report.json was
 * changed.
 */
export async function verifySavedReport(
  store: SessionKeyStore,
  folder: string,
): Promise<MigrationStatement> {
  const paths = pathsOf(folder);
  const signed = await withFsErrors(paths.signed, () => readFile(paths.signed));
  const { content } = openReport(store, new Uint8Array(signed));
  const statement = JSON.parse(decodeUtf8(content) ?? 'null') as MigrationStatement;
  const json = await withFsErrors(paths.json, () => readFile(paths.json));
  if (sha256(json) !== statement.reportSha256)
    throw new KeyStoreError('FILE_DAMAGED', `${paths.json} is not the report that was signed`);
  return statement;
}

function pathsOf(folder: string): SavedReport {
  return {
    json: join(folder, 'report.json'),
    text: join(folder, 'report.md'),
    signed: join(folder, 'report.cms'),
  };
}

/** Where `format` stands in the JSON. */
const HEAD = 64;
const REPORT_FORMAT = 'keycask migration report';

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
