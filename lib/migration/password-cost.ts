/**
 * What trying a password on an encrypted PKCS#8 key costs. OpenSSL takes any count, on the calling thread: 2^31 iterations are minutes that
 * nothing interrupts, for each password.
 *
 *   EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { OBJECT IDENTIFIER, parameters }, OCTET STRING }      RFC 5958 section 3
 *   counts are INTEGERs somewhere in the parameters: PBES1, PBES2 with PBKDF2 (RFC 8018 appendix A), PKCS#12's (RFC 7292 appendix C), scrypt (RFC 7914)
 */
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { decodePem } from '../bytes/pem.ts';
import { PBKDF2_BOUNDS } from '../cms/recipient-info.ts';

/**
 * Refuses keys on which a password costs more than keycask's own records may.
 *
 * @param bytes - DER, or PEM. PEM of RFC 1421's kind (`Proc-Type`) costs one hash and is let through.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function refuseCostly(bytes: Uint8Array): void {
  if (bytes[0] === TAG.SEQUENCE) return refuseCounts(bytes);
  if (!Buffer.from(bytes).includes(`-----BEGIN ${LABEL}`)) return;
  for (const { label, der } of decodePem(bytes)) if (label === LABEL) refuseCounts(der);
}

function refuseCounts(der: Uint8Array): void {
  const key = new DerReader(der, 'EncryptedPrivateKeyInfo').enter(TAG.SEQUENCE, 'key');
  readParameters(key.enter(TAG.SEQUENCE, 'encryptionAlgorithm'), MAX_DEPTH);
}

function readParameters(r: DerReader, depth: number): void {
  for (let tag = r.peek(); tag !== -1; tag = r.peek()) {
    if (tag === TAG.INTEGER) r.integer('iterationCount', { max: PBKDF2_BOUNDS.iterations.max });
    else if (tag === TAG.SEQUENCE && depth > 0)
      readParameters(r.enter(tag, 'parameters'), depth - 1);
    else r.element(tag, 'parameters');
  }
}

const LABEL = 'ENCRYPTED PRIVATE KEY';
/** PBES2's parameters, its function, and that function's own parameters, whose PRF is one more; OpenSSL reads nothing deeper. */
const MAX_DEPTH = 8;
