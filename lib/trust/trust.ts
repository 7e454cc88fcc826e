/** Trust: the pins of a home, from its signed trust.cms. There is no trust on first use. */
import { equalBytes } from '../bytes/octets.ts';
import type { Signer } from '../cms/signed-data.ts';
import type { SignerTrust } from '../contracts/verified-record.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import { signedMessage, type SigningIdentity } from '../messages/sign-message.ts';
import { verifyMessage } from '../messages/verify-message.ts';
import {
  decodeTrustList,
  encodeTrustList,
  type ContainerState,
  type SignerState,
  type TrustedContainer,
  type TrustList,
} from './trust-list.ts';

/** A pin, with what it is and where it comes from. */
export interface Pin extends Signer {
  readonly name: string;
  readonly state: ContainerState | SignerState;
  /** Of one of this home's own containers. */
  readonly container?: TrustedContainer;
}

export class Trust {
  readonly list: TrustList;
  /** The message that {@link list} was read from. */
  readonly bytes: Uint8Array;
  readonly pins: readonly Pin[];

  private constructor(list: TrustList, bytes: Uint8Array) {
    this.list = list;
    this.bytes = bytes;
    this.pins = [
      ...list.containers.map((container) => ({
        ...signerOf(container.signing),
        name: container.name,
        state: container.state,
        container,
      })),
      ...list.signers.map(({ certificate, name, state }) => ({
        ...signerOf(certificate),
        name,
        state,
      })),
    ];
  }

  /**
   * Reads trust.cms. It is signed by the container that it calls current; that this container is really ours, the caller checks
   * against the provider's key, which alone is authentic.
   *
   * @throws KeyStoreError TRUST_INVALID where it is not a whole, well signed trust.cms; BLOB_VERSION_UNSUPPORTED.
   */
  static read(bytes: Uint8Array): Trust {
    try {
      const { message, signer } = verifyMessage(bytes, ['trust'], (_keyId, certificate) =>
        signerOf(certificate),
      );
      const trust = new Trust(decodeTrustList(message.content), bytes);
      if (!equalBytes(trust.current.certificate, signer.certificate))
        throw new KeyStoreError('TRUST_INVALID');
      return trust;
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'BLOB_VERSION_UNSUPPORTED') throw error;
      throw new KeyStoreError('TRUST_INVALID');
    }
  }

  /**
   * Signs a list with the container that it calls current.
   *
   * @throws KeyStoreError PARAMETER_INVALID where no reader would accept the list: a name too short or too long, too many signers.
   */
  static async sign(list: TrustList, identity: SigningIdentity, signingTime: Date): Promise<Trust> {
    const content = encodeTrustList(list);
    try {
      decodeTrustList(content);
    } catch (error) {
      if (!(error instanceof BlobFormatError)) throw error;
      throw new KeyStoreError('PARAMETER_INVALID', `trust.cms: ${error.field}: ${error.problem}`);
    }
    return Trust.read(await signedMessage(identity, { type: 'trust', content, signingTime }));
  }

  /** The container that signs and wraps now. */
  get current(): Pin & { readonly container: TrustedContainer } {
    return this.pins.find(
      (pin): pin is Pin & { container: TrustedContainer } => pin.state === 'current',
    )!;
  }

  /** Our own containers whose exchange keys may open records: all but the revoked. */
  get openContainers(): readonly TrustedContainer[] {
    return this.list.containers.filter(({ state }) => state !== 'revoked');
  }

  /** The pin of a key identifier, whatever its state. */
  find(keyId: Uint8Array): Pin | undefined {
    return this.pins.find((pin) => equalBytes(pin.keyId, keyId));
  }

  /**
   * The pin that a record's signer has.
   *
   * @throws KeyStoreError BLOB_SIGNER_NOT_TRUSTED where there is none or it was revoked.
   */
  signer(keyId: Uint8Array): Pin & { readonly trust: SignerTrust } {
    const pin = this.find(keyId);
    if (!pin) throw new KeyStoreError('BLOB_SIGNER_NOT_TRUSTED');
    if (pin.state === 'revoked')
      throw new KeyStoreError(
        'BLOB_SIGNER_NOT_TRUSTED',
        `the key that signed this (${pin.name}) was revoked`,
        {
          hint: 'Revoking is final. Take the key or the file from whoever still trusts the signer, signed anew.',
        },
      );
    return { ...pin, trust: pin.state === 'retired' ? 'retired' : 'pinned' };
  }

  policy(name: string): string | undefined {
    return this.list.policies.find(([policy]) => policy === name)?.[1];
  }
}
