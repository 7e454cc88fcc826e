/** What attackers make: records and encrypted files that are almost right. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { concatBytes } from '../../lib/bytes/octets.ts';
import type { SignatureScheme } from '../../lib/cms/algorithms.ts';
import { decodeSignedData, type SignedMessage } from '../../lib/cms/signed-data.ts';
import {
  decodeFileHeader,
  encodeFileHeader,
  fileHeaderLength,
} from '../../lib/file-encryption/file-header.ts';
import { signerOf } from '../../lib/keys/certificate-signer.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { signMessage } from '../../lib/keys/signature.ts';
import { signedMessage, type SigningIdentity } from '../../lib/messages/sign-message.ts';
import type { UnboundMetadata } from '../../lib/records/commitment.ts';
import { sealKeyRecord } from '../../lib/records/seal.ts';
import type { SessionKeyStore } from '../../lib/session-key-store.ts';
import { NOW } from './sample-records.ts';

/** Somebody who signs under a certificate, whether or not the key is that certificate's. */
export function signerWith(
  certificate: Uint8Array,
  privateKey: KeyObject,
  scheme: SignatureScheme = 'ecdsa-sha256',
): SigningIdentity {
  const sign: SigningIdentity['sign'] = ({ bytes }) => signMessage(privateKey, scheme, bytes);
  return { ...signerOf(certificate), scheme, sign };
}

/** The owner's own signer: what an attacker has who got at the exported container. */
export async function ownSigner(store: SessionKeyStore): Promise<SigningIdentity> {
  const { exchange, signature } = await store.exportContainer();
  using _exchange = exchange;
  using pkcs8 = signature!;
  const key = createPrivateKey({ key: Buffer.from(pkcs8.bytes), format: 'der', type: 'pkcs8' });
  return signerWith(await store.certificate('signature'), key);
}

/** A record of a key that the attacker knows, wrapped for somebody's public exchange key. */
export async function recordFor(
  exchangeCertificate: Uint8Array,
  metadata: UnboundMetadata,
  signer: SigningIdentity,
): Promise<Uint8Array> {
  using key = SecretBytes.random(32);
  const recipient = { type: 'public-key', ...signerOf(exchangeCertificate) } as const;
  return sealKeyRecord(key, metadata, { recipients: [recipient], signer, signingTime: NOW });
}

/** What a record says, whoever signed it. */
export function openedMessage(record: Uint8Array): SignedMessage {
  return decodeSignedData(record, ['contentInfo'], (_keyId, certificate) => signerOf(certificate))
    .message;
}

/** Parts of records, put together and signed. */
export function signedAnew(
  parts: Pick<SignedMessage, 'content' | 'metadata'>,
  signer: SigningIdentity,
): Promise<Uint8Array> {
  const { content, metadata } = parts;
  return signedMessage(signer, {
    type: 'contentInfo',
    content,
    metadata: metadata!,
    signingTime: NOW,
  });
}

/** The record in the header of an encrypted file. */
export function headerRecord(file: Uint8Array): Uint8Array {
  return decodeFileHeader(file.subarray(0, fileHeaderLength(file))).record;
}

/** The file with another record in its header. */
export function withHeaderRecord(file: Uint8Array, record: Uint8Array): Uint8Array {
  const length = fileHeaderLength(file);
  const header = decodeFileHeader(file.subarray(0, length));
  return concatBytes(encodeFileHeader({ ...header, record }), file.subarray(length));
}

/** The bytes with one bit turned over. */
export function withFlippedBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}
