/** Messages and records that the provider suite lets keys sign and unwrap, made without any provider. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { ALG_ID } from '../../blobs/alg-id.ts';
import { decodeSimpleBlob, encodeSimpleBlob } from '../../blobs/simple-blob.ts';
import { octetString, sequence } from '../../bytes/der-writer.ts';
import { encodeUtf8, plainBytes } from '../../bytes/octets.ts';
import type { SignatureScheme } from '../../cms/algorithms.ts';
import { encodeSignedAttributes } from '../../cms/signed-data.ts';
import { ToBeSigned } from '../../contracts/to-be-signed.ts';
import type { VerifiedKeyRecord } from '../../contracts/verified-record.ts';
import { keyIdentifier } from '../../keys/key-identifier.ts';
import { wrapRsaPkcs1 } from '../../keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { parsePublicKey } from '../../keys/signature.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import type { PublicKeyRecipient } from '../../records/recipient.ts';
import { sealClassicRecord, sealKeyRecord } from '../../records/seal.ts';
import { verifyKeyRecord } from '../../records/verify.ts';

/** One of keycask's own messages. */
export function message(scheme: SignatureScheme): ToBeSigned {
  const attributes = encodeSignedAttributes({
    type: 'trust',
    messageDigest: plainBytes(randomBytes(scheme === 'ecdsa-sha384' ? 48 : 32)),
    signingTime: SIGNING_TIME,
  });
  return ToBeSigned.signedAttributes(scheme, attributes);
}

export interface TestRecord {
  readonly record: VerifiedKeyRecord;
  readonly keyId: Uint8Array;
  /** The session key inside, for the suite to compare. */
  readonly sessionKey: Uint8Array;
}

/** A verified record whose one recipient is `publicKey`. */
export async function recordFor(
  publicKey: Uint8Array,
  rsa?: PublicKeyRecipient['rsa'],
): Promise<TestRecord> {
  using sessionKey = SecretBytes.random(32);
  const keyId = keyIdentifier(publicKey);
  const recipient = { type: 'public-key', publicKey, keyId, ...(rsa && { rsa }) } as const;
  const bytes = await sealKeyRecord(sessionKey, metadata(), {
    recipients: [recipient],
    signer: SIGNER,
    signingTime: SIGNING_TIME,
  });
  return { record: verified(bytes), keyId, sessionKey: Uint8Array.from(sessionKey.bytes) };
}

/** A verified record of the classic profile: a SIMPLEBLOB for an RSA key. */
export async function classicRecordFor(publicKey: Uint8Array): Promise<TestRecord> {
  using sessionKey = SecretBytes.random(32);
  const encryptedKey = wrapRsaPkcs1(parsePublicKey(publicKey), sessionKey);
  const algId = ALG_ID.CALG_AES_256;
  return await classicRecordOf(publicKey, sessionKey, encodeSimpleBlob({ algId, encryptedKey }));
}

/** A verified record of the classic profile around a SIMPLEBLOB of an AES key. */
export async function classicRecordOf(
  publicKey: Uint8Array,
  sessionKey: SecretBytes,
  simpleBlob: Uint8Array,
): Promise<TestRecord> {
  const { algId } = decodeSimpleBlob(simpleBlob);
  const facts = { ...metadata(), algorithm: algId, effectiveBits: 8 * sessionKey.length };
  const options = { signer: SIGNER, signingTime: SIGNING_TIME };
  const bytes = await sealClassicRecord(sessionKey, simpleBlob, facts, options);
  const keyId = keyIdentifier(publicKey);
  return { record: verified(bytes), keyId, sessionKey: Uint8Array.from(sessionKey.bytes) };
}

function verified(bytes: Uint8Array): VerifiedKeyRecord {
  const { keyId, publicKey, certificate } = SIGNER;
  const pin = { keyId, publicKey, certificate, trust: 'pinned' } as const;
  return verifyKeyRecord(bytes, { findSigner: () => pin });
}

function metadata() {
  return {
    recordId: plainBytes(randomBytes(16)),
    recordVersion: 1,
    label: 'conformance',
    purpose: 'test',
    algorithm: ALG_ID.CALG_AES_256,
    effectiveBits: 256,
    created: SIGNING_TIME,
    storeId: plainBytes(randomBytes(16)),
    provenance: 'generated',
    attributes: [],
  } as const;
}

/** A signer of the suite's own: a provider that only unwraps can be tested too. */
function makeSigner(): SigningIdentity {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = plainBytes(pair.publicKey.export({ type: 'spki', format: 'der' }));
  return {
    keyId: keyIdentifier(publicKey),
    publicKey,
    // Verification compares a pinned certificate byte for byte and does not look inside.
    certificate: sequence(octetString(encodeUtf8('certificate of the conformance suite'))),
    scheme: 'ecdsa-sha256',
    sign: ({ bytes }) => Promise.resolve(plainBytes(sign('sha256', bytes, pair.privateKey))),
  };
}

const SIGNING_TIME = new Date('2026-01-01T00:00:00Z');
const SIGNER = makeSigner();
