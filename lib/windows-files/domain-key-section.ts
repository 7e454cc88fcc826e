/**
 * The domain key section of a master key file: the master key under the domain's backup key. Source: [MS-BKRP] sections 2.2.2 (versions 2
 * and 3) and 2.2.4 (version 1); mimikatz kull_m_dpapi.h.
 *
 *  off size field                  field of version 1
 *    0    4 dwVersion 2 or 3       1
 *    4    4 cbEncryptedSecret      Payload_Length: bytes of the secret in the payload
 *    8    4 cbAccessCheck          Ciphertext_Length
 *   12   16 guidKey                GUID_of_Wrapping_Key
 *   28    n EncryptedSecret        R2, 68 bytes
 *     +   m AccessCheck            Rc4EncryptedPayload
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { readGuid, writeGuid } from './fields.ts';

/** A secret under the RSA key of a domain. */
export interface ClientWrappedSecret {
  /** dwVersion: 2, RSA PKCS#1 v1.5; 3, RSA OAEP. */
  readonly version: 2 | 3;
  /** guidKey: which backup key opens it. */
  readonly backupKeyGuid: string;
  /** RSA ciphertext, little-endian. */
  readonly encryptedSecret: Uint8Array;
  /** Under a key that stands beside the secret. */
  readonly accessCheck: Uint8Array;
}

/** A secret under the symmetric key of a domain, as Windows 2000 had it. */
export interface ServerWrappedSecret {
  readonly version: 1;
  /** GUID_of_Wrapping_Key */
  readonly backupKeyGuid: string;
  /** Payload_Length: bytes of the secret in the payload. */
  readonly secretLength: number;
  /** 68 bytes */
  readonly r2: Uint8Array;
  /** Rc4EncryptedPayload */
  readonly encryptedPayload: Uint8Array;
}

/** A master key under a backup key of its domain. */
export type DomainKeySection = ClientWrappedSecret | ServerWrappedSecret;

/**
 * Reads a domain key section, which is what a client gives a domain controller to open.
 *
 * Source: [MS-BKRP] sections 2.2.2 and 2.2.4.
 *
 * @returns Byte strings are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER) for a version that is not 1, 2 or 3.
 * @example
 * ```ts
 * const { backupKeyGuid } = decodeDomainKeySection(bytes);
 * ```
 */
export function decodeDomainKeySection(bytes: Uint8Array): DomainKeySection {
  return readDomainKeySection(new BlobReader(bytes, 'domain key section'));
}

/** Reads a section out of all that `r` has. */
export function readDomainKeySection(r: BlobReader): DomainKeySection {
  const start = r.offset;
  const version = r.u32le('dwVersion');
  if (version < 1 || version > 3)
    return r.failAt(start, 'dwVersion', `want 1 to 3, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const first = r.u32le(version === 1 ? 'Payload_Length' : 'cbEncryptedSecret');
  const second = r.u32le(version === 1 ? 'Ciphertext_Length' : 'cbAccessCheck');
  const backupKeyGuid = readGuid(r, 'guidKey');
  if (version === 1) {
    const r2 = r.bytes('R2', R2_LENGTH);
    const encryptedPayload = r.bytes('Rc4EncryptedPayload', second);
    r.end();
    return { version, backupKeyGuid, secretLength: first, r2, encryptedPayload };
  }
  const encryptedSecret = r.bytes('EncryptedSecret', first);
  const accessCheck = r.bytes('AccessCheck', second);
  r.end();
  return { version: version === 2 ? 2 : 3, backupKeyGuid, encryptedSecret, accessCheck };
}

/**
 * Writes a domain key section back as it was read.
 *
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a `backupKeyGuid` that is no GUID.
 * @example
 * ```ts
 * const same = encodeDomainKeySection(decodeDomainKeySection(bytes));
 * ```
 */
export function encodeDomainKeySection(section: DomainKeySection): Uint8Array {
  const w = new BlobWriter(domainKeySectionLength(section));
  writeDomainKeySection(w, section);
  return w.finish();
}

export function domainKeySectionLength(section: DomainKeySection | undefined): number {
  if (section === undefined) return 0;
  const [first, second] = partsOf(section);
  return SECTION_HEADER_LENGTH + first.length + second.length;
}

export function writeDomainKeySection(w: BlobWriter, section: DomainKeySection): void {
  const [first, second] = partsOf(section);
  w.u32le(section.version)
    .u32le(section.version === 1 ? section.secretLength : first.length)
    .u32le(second.length);
  writeGuid(w, section.backupKeyGuid).bytes(first).bytes(second);
}

function partsOf(section: DomainKeySection): readonly [Uint8Array, Uint8Array] {
  return section.version === 1
    ? [section.r2, section.encryptedPayload]
    : [section.encryptedSecret, section.accessCheck];
}

const SECTION_HEADER_LENGTH = 28;
const R2_LENGTH = 68;
