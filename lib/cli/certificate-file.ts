/** Certificates in files: PEM or DER in, PEM out. */
import { X509Certificate } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { concatBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from '../platform/fs-error.ts';

/** The certificate of a file, the first where a PEM file has several: DER. */
export async function readCertificate(path: string): Promise<Uint8Array> {
  const bytes = await withFsErrors(path, () => readBounded(path));
  try {
    return new Uint8Array(new X509Certificate(bytes).raw);
  } catch {
    throw new KeyStoreError('BLOB_MALFORMED', `${path}: this is not a certificate (PEM or DER)`);
  }
}

export function readCertificates(paths: readonly string[] = []): Promise<Uint8Array[]> {
  return Promise.all(paths.map(readCertificate));
}

/** Far above a PEM file of a whole chain. */
const MAX_FILE = 1 << 20;

/** A pipe will do too. One byte more than allowed shows that there is more. */
async function readBounded(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_FILE }))
    chunks.push(chunk as Uint8Array);
  const bytes = concatBytes(...chunks);
  if (bytes.length > MAX_FILE)
    throw new KeyStoreError('BLOB_TOO_LARGE', `${path}: more than ${MAX_FILE} bytes`);
  return bytes;
}

/** Not for secrets: PEM as a string. */
export function toPem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}
