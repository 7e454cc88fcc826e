/**
 * Which messages the agent signs: keycask's own kinds, each byte of them read again here. A client that runs another program's code cannot have
 * bytes of its choice signed.
 */
import { equalBytes } from '../bytes/octets.ts';
import { schemeHash, type SignatureScheme } from '../cms/algorithms.ts';
import { decodeKeyMetadata } from '../cms/metadata.ts';
import { decodeSignedAttributes } from '../cms/signed-data.ts';
import { decodeTbsCertificate } from '../cms/tbs-certificate.ts';
import type { ToBeSignedKind } from '../contracts/to-be-signed.ts';
import { KeyStoreError } from '../errors.ts';
import { keyIdentifier } from '../keys/key-identifier.ts';

/** What a client wants to have signed. */
export interface MessageToJudge {
  readonly kind: ToBeSignedKind;
  readonly scheme: SignatureScheme;
  readonly message: Uint8Array;
  /** SPKI DER of the key that is to sign. */
  readonly publicKey: Uint8Array;
  /** Is the private key of this SPKI in the agent? */
  readonly holds: (publicKey: Uint8Array) => boolean;
}

/** Judges a message: throws, or tells its type for the audit log. */
export type JudgeMessage = (message: MessageToJudge) => Promise<string>;

/**
 * @returns The message's type: `contentInfo`, `trust`, `certificate`.
 * @throws KeyStoreError PARAMETER_INVALID for anything but one of keycask's own messages, in its one form.
 */
export async function judgeMessage(wanted: MessageToJudge): Promise<string> {
  try {
    return wanted.kind === 'certificate' ? await judgeCertificate(wanted) : judgeAttributes(wanted);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `the agent signs keycask's own messages only; ${error.message}`,
    );
  }
}

function judgeAttributes({ scheme, message }: MessageToJudge): string {
  const { type, messageDigest, metadata } = decodeSignedAttributes(message);
  if (messageDigest.length !== DIGEST_LENGTH[schemeHash(scheme)])
    throw invalid('the digest has not the length of the scheme');
  if (metadata) decodeKeyMetadata(metadata);
  return type;
}

async function judgeCertificate(wanted: MessageToJudge): Promise<string> {
  const { publicKey, keyId, issuerKeyId, role } = await decodeTbsCertificate(
    wanted.message,
    wanted.scheme,
  );
  if (!equalBytes(issuerKeyId, keyIdentifier(wanted.publicKey)))
    throw invalid('the certificate names another key as its issuer');
  if (!equalBytes(keyId, keyIdentifier(publicKey)))
    throw invalid('the certificate names its key by another identifier');
  // The one that is self-signed certifies the signing key itself.
  if (role === 'signature' && !equalBytes(publicKey, wanted.publicKey))
    throw invalid('only the signing key itself is certified for signing');
  if (!wanted.holds(publicKey)) throw invalid('the agent does not hold the key to be certified');
  return 'certificate';
}

function invalid(message: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', message);
}

const DIGEST_LENGTH = { sha256: 32, sha384: 48 } as const;
