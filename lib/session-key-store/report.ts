/** Signed reports: what a long piece of work did, as a message that a stranger can verify. */
import type { Home } from './home.ts';
import { signedMessage } from '../messages/sign-message.ts';
import { verifyMessage } from '../messages/verify-message.ts';

/** A report whose signer is trusted. */
export interface VerifiedReport {
  readonly content: Uint8Array;
  /** To the second. */
  readonly signingTime: Date;
  /** Subject key identifier of the signer. */
  readonly signer: Uint8Array;
}

/**
 * Signs a report.
 *
 * @param content - At most some 1,000,000 bytes: what is longer is signed by its SHA-256.
 * @returns DER of ContentInfo(SignedData), which `openssl cms -verify` reads.
 */
export async function sealReport(home: Home, content: Uint8Array): Promise<Uint8Array> {
  const message = { type: 'report', content, signingTime: home.now() } as const;
  const signed = await signedMessage(await home.identity(), message);
  // Read back strictly: what we could not verify later must not be given out.
  verifyReport(home, signed);
  return signed;
}

/** @throws KeyStoreError BLOB_TOO_LARGE, BLOB_MALFORMED, BLOB_SIGNER_NOT_TRUSTED, BLOB_SIGNATURE_INVALID (NTE_BAD_SIGNATURE). */
export function verifyReport(home: Home, signed: Uint8Array): VerifiedReport {
  const { message, signer } = verifyMessage(signed, ['report'], (keyId) =>
    home.trust.signer(keyId),
  );
  return { content: message.content, signingTime: message.signingTime, signer: signer.keyId };
}
