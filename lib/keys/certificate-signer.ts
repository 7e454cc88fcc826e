/** The signer that a certificate names. */
import { X509Certificate } from 'node:crypto';
import { decodeCertificate, type CertificateFacts } from '../cms/certificate.ts';
import type { Signer } from '../cms/signed-data.ts';
import { KeyStoreError } from '../errors.ts';
import { keyIdentifier } from './key-identifier.ts';

/**
 * A pin made of a certificate: key identifier and public key. Whether to trust it is the caller's decision.
 *
 * @throws KeyStoreError BLOB_MALFORMED (NTE_BAD_DATA) where it is no certificate.
 */
export function signerOf(certificate: Uint8Array): Signer {
  const publicKey = certifiedKey(certificate);
  return { keyId: keyIdentifier(publicKey), publicKey, certificate };
}

/**
 * A certificate of an exchange key says nothing of who signs: whoever pins it meant the other one.
 *
 * @returns What it says.
 * @throws KeyStoreError PARAMETER_INVALID, BLOB_MALFORMED.
 */
export async function requireForSigning(certificate: Uint8Array): Promise<CertificateFacts> {
  const facts = await decodeCertificate(certificate);
  const { keyUsage, subject } = facts;
  if (keyUsage && !keyUsage.includes('digitalSignature'))
    throw new KeyStoreError('PARAMETER_INVALID', `the certificate ${subject} is not for signing`, {
      hint: 'Ask for the signing certificate: `keycask container certificate --signing`.',
    });
  return facts;
}

function certifiedKey(certificate: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(
      new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }),
    );
  } catch {
    throw new KeyStoreError(
      'BLOB_MALFORMED',
      'this is not an X.509 certificate with a key that can be used',
    );
  }
}
