/** Whether bytes that were decrypted are a PRIVATEKEYBLOB: the only check that formats without a checksum leave. */
import { decodeKeyBlob, type DecodeKeyBlobOptions } from '../blobs/key-blob.ts';
import { KeyStoreError } from '../errors.ts';

/** Is this a private key of RSA, DSS or Diffie-Hellman in the clear: magic, sizes and length of its layout? */
export function isClearPrivateKey(blob: Uint8Array, options: DecodeKeyBlobOptions = {}): boolean {
  try {
    const decoded = decodeKeyBlob(blob, options);
    (decoded as Partial<Disposable>)[Symbol.dispose]?.();
    return CLEAR.has(decoded.type);
  } catch (error) {
    if (KeyStoreError.is(error)) return false;
    throw error;
  }
}

const CLEAR: ReadonlySet<string> = new Set([
  'PRIVATEKEYBLOB',
  'DSS-PRIVATEKEYBLOB',
  'DH-PRIVATEKEYBLOB',
  'VER3-PRIVATEKEYBLOB',
]);
