/**
 * A DPAPI backup key of a domain: the value of the LSA secret `G$BCKUPKEY_<guid>`. Source: [MS-BKRP] sections 2.2.5 and 2.2.7; MichaelGrafnetter/DSInternals.
 *
 *  off size field        version 1       versions 2 and 3
 *    0    4 dwVersion    1               2 or 3
 *    4    4              key, 256 bytes  cbPrivateKey
 *    8    4                              cbCertificate
 *   12    n                              PRIVATEKEYBLOB (RSA, CALG_RSA_KEYX)
 *     +   m                              certificate, X.509, self-signed
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { showWithout } from './show-without.ts';

/** The symmetric key of a domain of Windows 2000 (ServerWrap). */
export interface SymmetricDomainBackupKey {
  readonly version: 1;
  /** 256 bytes. Secret. */
  readonly key: Uint8Array;
}

/** The RSA key of a domain (ClientWrap). */
export interface RsaDomainBackupKey {
  readonly version: 2 | 3;
  /** PRIVATEKEYBLOB. Secret. */
  readonly privateKeyBlob: Uint8Array;
  /** DER of X.509; its public key is what clients wrap with. */
  readonly certificate: Uint8Array;
}

/** What opens every master key of a domain. */
export type DomainBackupKey = SymmetricDomainBackupKey | RsaDomainBackupKey;

/**
 * Reads a backup key of a domain.
 *
 * Source: [MS-BKRP] sections 2.2.5 and 2.2.7.
 *
 * @returns Byte strings are views of `bytes`, which the caller still owns, and wipes. Printed or logged, it shows no key.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * const { version } = decodeDomainBackupKey(secret);
 * ```
 */
export function decodeDomainBackupKey(bytes: Uint8Array): DomainBackupKey {
  const r = new BlobReader(bytes, 'domain backup key');
  const version = r.u32le('dwVersion');
  if (version === 1) {
    const key = r.bytes('key', SYMMETRIC_KEY_LENGTH);
    r.end();
    return showWithout({ version, key }, ['key']);
  }
  if (version !== 2 && version !== 3)
    return r.failAt(0, 'dwVersion', `want 1 to 3, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const keyLength = r.u32le('cbPrivateKey');
  const certificateLength = r.u32le('cbCertificate');
  const privateKeyBlob = r.bytes('PRIVATEKEYBLOB', keyLength);
  const certificate = r.bytes('certificate', certificateLength);
  r.end();
  return showWithout({ version, privateKeyBlob, certificate }, ['privateKeyBlob']);
}

/**
 * Writes a backup key of a domain back as it was read.
 *
 * @returns A fresh array that the caller owns, and wipes.
 * @example
 * ```ts
 * const same = encodeDomainBackupKey(decodeDomainBackupKey(secret));
 * ```
 */
export function encodeDomainBackupKey(key: DomainBackupKey): Uint8Array {
  if (key.version === 1)
    return new BlobWriter(4 + key.key.length).u32le(key.version).bytes(key.key).finish();
  const { version, privateKeyBlob, certificate } = key;
  return new BlobWriter(12 + privateKeyBlob.length + certificate.length)
    .u32le(version)
    .u32le(privateKeyBlob.length)
    .u32le(certificate.length)
    .bytes(privateKeyBlob)
    .bytes(certificate)
    .finish();
}

/** [MS-BKRP] section 2.2.7 */
const SYMMETRIC_KEY_LENGTH = 256;
