/**
 * A container's private keys in one file: what `container export` writes and `container import` reads.
 *
 * DER: the PKCS#8 of the exchange key, then that of the signature key, one after the other. PEM: the same as two blocks. Also read: one key
 * alone, and a CryptoAPI PRIVATEKEYBLOB. All in buffers that are wiped.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { encodeUtf8 } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { withFsErrors } from '../platform/fs-error.ts';

/** PKCS#8 DER; the owner disposes of them. */
export interface PrivateKeys {
  readonly exchange: SecretBytes;
  readonly signature?: SecretBytes;
}

/** Two RSA-16384 keys as PEM are below 32 KiB. */
const MAX_FILE = 64 * 1024;
/** PRIVATEKEYBLOB, version 2 (wincrypt.h). */
const PRIVATEKEYBLOB_START = Uint8Array.of(0x07, 0x02, 0x00, 0x00);

/** Both keys one after the other. */
export function encodeDer({ exchange, signature }: PrivateKeys): SecretBytes {
  const file = new SecretBytes(exchange.length + (signature?.length ?? 0));
  file.bytes.set(exchange.bytes);
  if (signature) file.bytes.set(signature.bytes, exchange.length);
  return file;
}

/** Each key as a block of its own (RFC 7468 section 10). */
export function encodePem({ exchange, signature }: PrivateKeys): SecretBytes {
  const keys = signature ? [exchange, signature] : [exchange];
  const file = new SecretBytes(keys.reduce((sum, { length }) => sum + pemLength(length), 0));
  let at = 0;
  for (const key of keys) at = writePem(key.bytes, file.bytes, at);
  return file;
}

/** @throws KeyStoreError BLOB_MALFORMED, BLOB_TOO_LARGE, NOT_SUPPORTED for a key that a password encrypts, FILE_NOT_FOUND, … */
export async function readPrivateKeys(path: string): Promise<PrivateKeys> {
  using file = await withFsErrors(path, () => readSecret(path));
  const { bytes } = file;
  const [exchange, signature] = await decodeKeys(bytes, path);
  if (!exchange) throw malformed(path);
  return { exchange, ...(signature && { signature }) };
}

async function decodeKeys(bytes: Uint8Array, path: string): Promise<SecretBytes[]> {
  if (PRIVATEKEYBLOB_START.every((byte, i) => byte === bytes[i])) {
    const { readPrivateKeyBlob } = await import('../providers/software/rsa-key-blob.ts');
    using blob = SecretBytes.copy(bytes);
    return [toPkcs8(readPrivateKeyBlob(blob))];
  }
  const parts = bytes[0] === TAG.SEQUENCE ? derParts(bytes) : pemParts(bytes);
  if (parts.length === 0 || parts.length > 2) throw malformed(path);
  const format = bytes[0] === TAG.SEQUENCE ? 'der' : 'pem';
  const keys: SecretBytes[] = [];
  try {
    for (const part of parts) keys.push(decodeKey(part, format));
  } catch (error) {
    for (const key of keys) key.dispose();
    throw KeyStoreError.is(error) ? error : malformed(path);
  }
  return keys;
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
const ENCRYPTED = encodeUtf8('ENCRYPTED');

/** From each BEGIN to the line of its END. */
function pemParts(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = indexOf(bytes, BEGIN); start >= 0;) {
    const end = indexOf(bytes, END, start);
    if (end < 0) break;
    const newline = bytes.indexOf(0x0a, end);
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

const HEADING = encodeUtf8('-----BEGIN PRIVATE KEY-----\n');
const ENDING = encodeUtf8('-----END PRIVATE KEY-----\n');
const ALPHABET = encodeUtf8('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;
const LINE_LENGTH = 64;

function pemLength(length: number): number {
  const digits = Math.ceil(length / 3) * 4;
  return HEADING.length + digits + Math.ceil(digits / LINE_LENGTH) + ENDING.length;
}

/** Base64 in place: no string of a private key. */
function writePem(der: Uint8Array, target: Uint8Array, start: number): number {
  target.set(HEADING, start);
  let at = start + HEADING.length;
  let column = 0;
  for (let i = 0; i < der.length; i += 3) {
    const group = (der[i]! << 16) | ((der[i + 1] ?? 0) << 8) | (der[i + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      const isPadding = i + digit > der.length;
      target[at++] = isPadding ? PADDING : ALPHABET[(group >> (18 - 6 * digit)) & 0x3f]!;
    }
    column += 4;
    if (column === LINE_LENGTH || i + 3 >= der.length) {
      target[at++] = 0x0a;
      column = 0;
    }
  }
  target.set(ENDING, at);
  return at + ENDING.length;
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
    `${path}: want one or two private keys, PKCS#8 (PEM or DER), or a PRIVATEKEYBLOB`,
  );
}
