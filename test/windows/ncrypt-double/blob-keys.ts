/** Keys between CNG's blobs and node:crypto, written down here on their own: the library's codecs are tested by what uses the double. */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** BCRYPT_RSAKEY_BLOB: six DWORDs. */
const RSA_HEADER = 24;
/** BCRYPT_ECCKEY_BLOB: two DWORDs. */
const ECC_HEADER = 8;
const RSA_PARTS = ['e', 'n', 'p', 'q', 'dp', 'dq', 'qi', 'd'] as const;

export function rsaPublicKeyOf(blob: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'RSA', ...rsaParts(blob, 2) }, format: 'jwk' });
}

/** Of RSAFULLPRIVATEBLOB. */
export function rsaPrivateKeyOf(blob: Uint8Array): KeyObject {
  return createPrivateKey({ key: { kty: 'RSA', ...rsaParts(blob, 8) }, format: 'jwk' });
}

/** RSAPUBLICBLOB, RSAPRIVATEBLOB or RSAFULLPRIVATEBLOB, by how many numbers it has: 2, 4 or 8. */
export function rsaBlobOf(key: KeyObject, parts: 2 | 4 | 8): Uint8Array {
  const jwk = key.export({ format: 'jwk' });
  const magic = { 2: 'RSA1', 4: 'RSA2', 8: 'RSA3' }[parts];
  const [e, n, ...rest] = RSA_PARTS.slice(0, parts).map((name) => bytesOf(jwk, name));
  const full = n!.length;
  const half = full / 2;
  const lengths = [full * 8, e!.length, full, parts > 2 ? half : 0, parts > 2 ? half : 0];
  // dp, dq and qi fill half the modulus, d all of it, whatever zeros they begin with.
  const filled = rest.map((part, index) => padded(part, index === 5 ? full : half));
  return Buffer.concat([Buffer.from(magic), ...lengths.map(dword), e!, n!, ...filled]);
}

export function ecPublicKeyOf(blob: Uint8Array): KeyObject {
  return createPublicKey({ key: ecJwk(blob), format: 'jwk' });
}

/** Of ECCPRIVATEBLOB. */
export function ecPrivateKeyOf(blob: Uint8Array): KeyObject {
  const size = Buffer.from(blob).readUInt32LE(4);
  const d = base64url(blob.subarray(ECC_HEADER + 2 * size));
  return createPrivateKey({ key: { ...ecJwk(blob), d }, format: 'jwk' });
}

/** ECCPUBLICBLOB or ECCPRIVATEBLOB with a magic such as `ECK1`. */
export function ecBlobOf(key: KeyObject, magic: string): Uint8Array {
  const jwk = key.export({ format: 'jwk' });
  const parts = (key.type === 'private' ? ['x', 'y', 'd'] : ['x', 'y']).map((name) =>
    bytesOf(jwk, name),
  );
  return Buffer.concat([Buffer.from(magic), dword(parts[0]!.length), ...parts]);
}

function rsaParts(blob: Uint8Array, count: number): Record<string, string> {
  const header = Buffer.from(blob.subarray(0, RSA_HEADER));
  const [e, n, p, q] = [8, 12, 16, 20].map((at) => header.readUInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const lengths = [e, n, p, q, p, q, p, n];
  const parts: Record<string, string> = {};
  let at = RSA_HEADER;
  for (const [index, name] of RSA_PARTS.slice(0, count).entries()) {
    parts[name] = base64url(blob.subarray(at, (at += lengths[index]!)));
  }
  return parts;
}

function ecJwk(blob: Uint8Array): JsonWebKey {
  const size = Buffer.from(blob).readUInt32LE(4);
  return {
    kty: 'EC',
    crv: size === 32 ? 'P-256' : 'P-384',
    x: base64url(blob.subarray(ECC_HEADER, ECC_HEADER + size)),
    y: base64url(blob.subarray(ECC_HEADER + size, ECC_HEADER + 2 * size)),
  };
}

function bytesOf(jwk: JsonWebKey, name: string): Buffer {
  return Buffer.from((jwk as Record<string, string>)[name] ?? '', 'base64url');
}

function padded(bytes: Uint8Array, length: number): Buffer {
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}

function dword(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
