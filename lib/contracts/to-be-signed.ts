/** ToBeSigned: one of keycask's own message kinds. Providers sign these and never arbitrary bytes. */
import type { SignatureScheme } from '../cms/algorithms.ts';

/** What the bytes are: signed attributes of a CMS message, or a certificate to be issued. */
export type ToBeSignedKind = 'signed-attributes' | 'certificate';

/**
 * Bytes that a provider may sign. Only `messages/` and the certificates of a container make them, so that a provider (and later the agent)
 * is no oracle that signs what a stranger chose.
 */
export class ToBeSigned {
  readonly #brand = true;
  readonly kind: ToBeSignedKind;
  readonly scheme: SignatureScheme;
  /** DER of the SET OF signed attributes, or of a TBSCertificate; at most 64 KiB. The provider hashes them. */
  readonly bytes: Uint8Array;

  private constructor(kind: ToBeSignedKind, scheme: SignatureScheme, bytes: Uint8Array) {
    this.kind = kind;
    this.scheme = scheme;
    this.bytes = bytes;
  }

  static signedAttributes(scheme: SignatureScheme, der: Uint8Array): ToBeSigned {
    return new ToBeSigned('signed-attributes', scheme, der);
  }

  static certificate(scheme: SignatureScheme, der: Uint8Array): ToBeSigned {
    return new ToBeSigned('certificate', scheme, der);
  }

  static is(value: unknown): value is ToBeSigned {
    return typeof value === 'object' && value !== null && #brand in value;
  }
}
