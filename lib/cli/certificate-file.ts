/** Certificates in files: PEM or DER in, PEM out. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from '../platform/fs-error.ts';

/** The certificate of a file, the first where a PEM file has several: DER. */
export async function readCertificate(path: string): Promise<Uint8Array> {
  const bytes = await withFsErrors(path, () => readFile(path));
  try {
    return new Uint8Array(new X509Certificate(bytes).raw);
  } catch {
    throw new KeyStoreError('BLOB_MALFORMED', `${path}: this is not a certificate (PEM or DER)`);
  }
}

export function readCertificates(paths: readonly string[] = []): Promise<Uint8Array[]> {
  return Promise.all(paths.map(readCertificate));
}

/** Not for secrets: PEM as a string. */
export function toPem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}
