/** TLS to a PostgreSQL server: libpq's sslmode, without the modes that fall back to none. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { KeyStoreError } from '../../errors.ts';
import { withFsErrors } from '../../platform/fs-error.ts';
import type { ConnectionWords } from './connection-url.ts';

/**
 * What `sslmode`, `sslrootcert`, `sslcert` and `sslkey` mean. Without a mode, a server on this machine is spoken to as it is, and every
 * other one must show a certificate of its name.
 *
 * @returns false where there is to be no TLS.
 * @throws KeyStoreError PARAMETER_INVALID for a mode that is unknown or is fulfilled without TLS; FILE_NOT_FOUND, PERMISSION_DENIED.
 */
export async function tlsOptions(words: ConnectionWords): Promise<ConnectionOptions | false> {
  const { host, sslrootcert, sslcert, sslkey } = words;
  const mode = words.sslmode ?? (isThisMachine(host) ? 'disable' : 'verify-full');
  if (mode === 'disable') return false;
  if (!MODES.includes(mode))
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `sslmode has to be one of ${MODES.join(', ')}; others do not always encrypt`,
    );
  const options: ConnectionOptions = {
    minVersion: 'TLSv1.2',
    ...(sslrootcert !== undefined && sslrootcert !== 'system' && { ca: await read(sslrootcert) }),
    ...(sslcert !== undefined && { cert: await read(sslcert) }),
    ...(sslkey !== undefined && { key: await read(sslkey) }),
  };
  // As libpq: with a root certificate `require` verifies it.
  if (mode === 'require' && sslrootcert === undefined)
    return { ...options, rejectUnauthorized: false };
  if (mode !== 'verify-full') return { ...options, checkServerIdentity: () => undefined };
  // Given an address, pg names no server, and Node would then look for "localhost" in the certificate.
  return {
    ...options,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  };
}

function isThisMachine(host: string): boolean {
  if (host.startsWith('/') || host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function read(path: string): Promise<Buffer> {
  return withFsErrors(path, () => readFile(path));
}

const MODES = ['disable', 'require', 'verify-ca', 'verify-full'];
