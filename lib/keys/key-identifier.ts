/** Subject key identifiers of our own key pairs. */
import { createHash } from 'node:crypto';
import { subjectPublicKey } from '../cms/spki.ts';

/** The leftmost 160 bits of SHA-256 of the subjectPublicKey BIT STRING (RFC 7093 section 2, method 1). */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  return new Uint8Array(
    createHash('sha256').update(subjectPublicKey(spki)).digest().subarray(0, 20),
  );
}
