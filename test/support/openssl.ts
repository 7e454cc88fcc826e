/** The system's OpenSSL, which opens records without keycask. */
import { execFile } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { describe } from 'vitest';

const run = promisify(execFile);

/** `describe` for tests that need OpenSSL: skipped where it is absent, except under CI=true, where they then fail. */
export const describeOpenssl: (name: string, body: () => void) => unknown =
  process.env['KEYCASK_HAVE_OPENSSL'] === '1' || process.env['CI'] === 'true'
    ? describe
    : describe.skip;

/** Runs openssl in a folder. Its standard output; throws what it said where it exits otherwise than with 0. */
export async function openssl(folder: string, ...args: readonly string[]): Promise<string> {
  const program = process.env['KEYCASK_OPENSSL'] ?? 'openssl';
  const { stdout } = await run(program, [...args], { cwd: folder });
  return stdout;
}

/** DER as PEM, in 64 columns. */
export function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** How `openssl cms -decrypt` gets at the content-encryption key. */
export type OpensslOpener = { readonly key: KeyObject } | { readonly password: string };

/**
 * Opens a record with the two commands of docs/formats/record.md.
 *
 * @returns The PLAINTEXTKEYBLOB, or the SIMPLEBLOB of a classic record where there is no opener.
 */
export async function openWithOpenssl(
  folder: string,
  record: Uint8Array,
  signerCertificate: Uint8Array,
  opener?: OpensslOpener,
): Promise<Uint8Array> {
  await writeFile(join(folder, 'record.cms'), record);
  await writeFile(join(folder, 'signer.pem'), pemOf('CERTIFICATE', signerCertificate));
  const verify = 'cms -verify -binary -inform DER -in record.cms -nointern -certfile signer.pem';
  await openssl(folder, ...verify.split(' '), '-noverify', '-out', 'env');
  if (!opener) return new Uint8Array(await readFile(join(folder, 'env')));
  const secret = 'key' in opener ? ['-inkey', 'kx.pem'] : ['-pwri_password', opener.password];
  if ('key' in opener)
    await writeFile(join(folder, 'kx.pem'), opener.key.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    });
  const decrypt = 'cms -decrypt -binary -inform DER -in env';
  await openssl(folder, ...decrypt.split(' '), ...secret, '-out', 'blob');
  return new Uint8Array(await readFile(join(folder, 'blob')));
}
