/** Signing one of keycask's own messages with a container's signature key. */
import { createHash } from 'node:crypto';
import { schemeHash, type SignatureScheme } from '../cms/algorithms.ts';
import {
  encodeSignedAttributes,
  encodeSignedData,
  type MessageType,
  type Signer,
} from '../cms/signed-data.ts';
import { ToBeSigned } from '../contracts/to-be-signed.ts';

/** Who signs: a pin's public half, and a key that makes the signature. */
export interface SigningIdentity extends Signer {
  readonly scheme: SignatureScheme;
  /** `PersistedKey.sign` of the signature key. */
  sign(message: ToBeSigned): Promise<Uint8Array>;
}

export interface MessageToSign {
  readonly type: MessageType;
  readonly content: Uint8Array;
  readonly signingTime: Date;
  /** DER of keycask-metadata, in key records only. */
  readonly metadata?: Uint8Array;
}

/** A message's parts once it is signed. */
export interface MessageSignature {
  readonly signedAttributes: Uint8Array;
  readonly signature: Uint8Array;
}

/** Makes a whole message: DER of ContentInfo(SignedData). */
export async function signedMessage(
  identity: SigningIdentity,
  message: MessageToSign,
): Promise<Uint8Array> {
  const { scheme } = identity;
  const { signedAttributes, signature } = await signatureOf(identity, message);
  return encodeSignedData({
    type: message.type,
    content: message.content,
    signer: identity,
    scheme,
    signedAttributes,
    signature,
  });
}

/** The signature alone, for messages whose other parts lie elsewhere (the manifest). */
export async function signatureOf(
  identity: SigningIdentity,
  message: MessageToSign,
): Promise<MessageSignature> {
  const signedAttributes = attributesOf(identity.scheme, message);
  return {
    signedAttributes,
    signature: await identity.sign(ToBeSigned.signedAttributes(identity.scheme, signedAttributes)),
  };
}

/** DER of the signed attributes that `message` has under `scheme`. */
export function attributesOf(scheme: SignatureScheme, message: MessageToSign): Uint8Array {
  const { type, signingTime, metadata } = message;
  const messageDigest = createHash(schemeHash(scheme)).update(message.content).digest();
  return encodeSignedAttributes({
    type,
    messageDigest,
    signingTime,
    ...(metadata && { metadata }),
  });
}
