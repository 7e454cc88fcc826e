/**
 * A container's private keys in one file: what `container export` writes and `container import` reads.
 *
 * DER: the PKCS#8 of the exchange key, that of the signature key, the certificate of each, one after the other. PEM: the same as blocks. Also
 * read: keys without certificates, one key alone, and a CryptoAPI PRIVATEKEYBLOB. All in buffers that are wiped.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { encodeUtf8 } from '../bytes/octets.ts';
import { pemLength, writePemInto } from '../bytes/pem.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { ContainerKeys } from '../session-key-store/container.ts';
import { withFsErrors } from '../platform/fs-error.ts';

/** Two RSA-16384 keys as PEM are below 32 KiB. */
const MAX_FILE = 64 * 1024;
/** PRIVATEKEYBLOB, version 2 (wincrypt.h). */
const PRIVATEKEYBLOB_START = Uint8Array.of(0x07, 0x02, 0x00, 0x00);

/** All parts one after the other. */
export function encodeDer(container: ContainerKeys): SecretBytes {
  const parts = partsOf(container);
  const file = new SecretBytes(parts.reduce((sum, { der }) => sum + der.length, 0));
  let at = 0;
  for (const { der } of parts) {
    file.bytes.set(der, at);
    at += der.length;
  }
  return file;
}

/** Each part as a block of its own (RFC 7468). */
export function encodePem(container: ContainerKeys): SecretBytes {
  const parts = partsOf(container);
  const length = parts.reduce((sum, { label, der }) => sum + pemLength(label, der.length), 0);
  const file = new SecretBytes(length);
  let at = 0;
  for (const part of parts) at = writePemInto(part, file.bytes, at);
  return file;
}

/** @throws KeyStoreError BLOB_MALFORMED, BLOB_TOO_LARGE, NOT_SUPPORTED for a key that a password encrypts, FILE_NOT_FOUND, … */
export async function readContainerKeys(path: string): Promise<ContainerKeys> {
  using file = await withFsErrors(path, () => readSecret(path));
  const { bytes } = file;
  if (PRIVATEKEYBLOB_START.every((byte, i) => byte === bytes[i])) {
    const { readPrivateKeyBlob } = await import('../providers/software/rsa-key-blob.ts');
    using blob = SecretBytes.copy(bytes);
    return { exchange: toPkcs8(readPrivateKeyBlob(blob)) };
  }
  return bytes[0] === TAG.SEQUENCE
    ? decodeParts({ parts: derParts(bytes), format: 'der', path })
    : decodeParts({ parts: pemParts(bytes), format: 'pem', path });
}

interface Part {
  readonly label: 'PRIVATE KEY' | 'CERTIFICATE';
  readonly der: Uint8Array;
}

function partsOf({ exchange, signature, certificates }: ContainerKeys): Part[] {
  const keys = signature ? [exchange, signature] : [exchange];
  const { exchange: forExchange, signing } = certificates ?? {};
  return [
    ...keys.map(({ bytes: der }) => ({ label: 'PRIVATE KEY', der }) as const),
    ...(forExchange && signing ? [forExchange, signing] : []).map(
      (der) => ({ label: 'CERTIFICATE', der }) as const,
    ),
  ];
}

interface EncodedParts {
  /** Keys and certificates, each kind in its order. */
  readonly parts: readonly Uint8Array[];
  readonly format: 'der' | 'pem';
  readonly path: string;
}

function decodeParts({ parts, format, path }: EncodedParts): ContainerKeys {
  const isCertificate = format === 'der' ? isDerCertificate : isPemCertificate;
  const keys: SecretBytes[] = [];
  try {
    const certificates = parts.filter(isCertificate).map((part) => new X509Certificate(part).raw);
    for (const part of parts) if (!isCertificate(part)) keys.push(decodeKey(part, format));
    const [exchange, signature, ...moreKeys] = keys;
    const [forExchange, signing, ...moreCertificates] = certificates.map(
      (raw) => new Uint8Array(raw),
    );
    const isComplete = (forExchange === undefined) === (signing === undefined);
    if (!exchange || !isComplete || moreKeys.length + moreCertificates.length > 0)
      throw malformed(path);
    return {
      exchange,
      ...(signature && { signature }),
      ...(forExchange && signing && { certificates: { exchange: forExchange, signing } }),
    };
  } catch (error) {
    for (const key of keys) key.dispose();
    throw KeyStoreError.is(error) ? error : malformed(path);
  }
}

/** PrivateKeyInfo begins with its version, Certificate with the sequence that is signed. */
function isDerCertificate(part: Uint8Array): boolean {
  return new DerReader(part, 'PKCS#8').enter(TAG.SEQUENCE, 'element').peek() === TAG.SEQUENCE;
}

function isPemCertificate(part: Uint8Array): boolean {
  return indexOf(part, CERTIFICATE) === BEGIN.length;
}

function decodeKey(part: Uint8Array, format: 'der' | 'pem'): SecretBytes {
  const key = Buffer.from(part.buffer, part.byteOffset, part.length);
  if (format === 'pem' && indexOf(part, ENCRYPTED) >= 0)
    throw new KeyStoreError('NOT_SUPPORTED', 'a password encrypts this private key', {
      hint: 'Decrypt it first: `openssl pkey -in FILE -out PLAIN`, and remove PLAIN afterwards.',
    });
  return toPkcs8(
    format === 'pem'
      ? createPrivateKey({ key, format })
      : createPrivateKey({ key, format, type: 'pkcs8' }),
  );
}

function toPkcs8(key: KeyObject): SecretBytes {
  return SecretBytes.take(key.export({ format: 'der', type: 'pkcs8' }));
}

function derParts(bytes: Uint8Array): Uint8Array[] {
  const r = new DerReader(bytes, 'PKCS#8');
  const parts: Uint8Array[] = [];
  while (r.peek() !== -1) parts.push(r.element(TAG.SEQUENCE, 'PrivateKeyInfo'));
  return parts;
}

const BEGIN = encodeUtf8('-----BEGIN ');
const END = encodeUtf8('-----END ');
const CERTIFICATE = encodeUtf8('CERTIFICATE-----');
const ENCRYPTED = encodeUtf8('ENCRYPTED');
const LINE_FEED = 0x0a;

/** From each BEGIN to the line of its END. */
function pemParts(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = indexOf(bytes, BEGIN); start >= 0;) {
    const end = indexOf(bytes, END, start);
    if (end < 0) break;
    const newline = bytes.indexOf(LINE_FEED, end);
    const after = newline < 0 ? bytes.length : newline + 1;
    parts.push(bytes.subarray(start, after));
    start = indexOf(bytes, BEGIN, after);
  }
  return parts;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from = 0): number {
  for (let at = from; at + wanted.length <= bytes.length; at++)
    if (wanted.every((byte, i) => byte === bytes[at + i])) return at;
  return -1;
}

async function readSecret(path: string): Promise<SecretBytes> {
  const file = await open(path, 'r');
  try {
    using whole = new SecretBytes(MAX_FILE + 1);
    let length = 0;
    while (length < whole.length) {
      const { bytesRead } = await file.read(whole.bytes, length, whole.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > MAX_FILE)
      throw new KeyStoreError('BLOB_TOO_LARGE', `${path}: more than ${MAX_FILE} bytes`);
    return SecretBytes.copy(whole.bytes.subarray(0, length));
  } finally {
    await file.close();
  }
}

function malformed(path: string): KeyStoreError {
  return new KeyStoreError(
    'BLOB_MALFORMED',
    `${path}: want one or two private keys, PKCS#8 (PEM or DER), with or without their certificates, or a PRIVATEKEYBLOB`,
  );
}
