/** Signing and verifying with the schemes that keycask has, on node:crypto. */
import { constants, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { schemeHash, type SignatureScheme } from '../cms/algorithms.ts';
import { KeyStoreError } from '../errors.ts';

/** Verification parses a public key once: parsing costs more than a P-256 verification. */
const PARSED_KEYS = new Map<string, KeyObject>();
const MAX_PARSED_KEYS = 256;

/**
 * Signs `message`, hashing it with the scheme's hash. RSA runs on the thread pool; EC, which takes 40 us, does not.
 *
 * @returns RSA: as long as the modulus. ECDSA: DER Ecdsa-Sig-Value.
 */
export function signMessage(
  privateKey: KeyObject,
  scheme: SignatureScheme,
  message: Uint8Array,
): Promise<Uint8Array> {
  const key = withPadding(privateKey, scheme);
  if (privateKey.asymmetricKeyType !== 'rsa')
    return Promise.resolve(sign(schemeHash(scheme), message, key));
  return new Promise((resolve, reject) => {
    sign(schemeHash(scheme), message, key, (error, signature) => {
      if (error) reject(new KeyStoreError('INTERNAL', 'signing failed'));
      else resolve(signature);
    });
  });
}

/** {@link verifySignature}, which somebody else may do meanwhile. */
export type CheckSignature = (
  spki: Uint8Array,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>;

/** Does `signature` fit? False for every malformed signature, and for a key that is not of the scheme's kind. */
// oxlint-disable-next-line max-params -- the four things that a verification is made of
export function verifySignature(
  spki: Uint8Array,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const publicKey = parsePublicKey(spki);
  const isRsa = publicKey.asymmetricKeyType === 'rsa';
  if (isRsa !== scheme.startsWith('rsa')) return false;
  try {
    return verify(schemeHash(scheme), message, withPadding(publicKey, scheme), signature);
  } catch {
    return false;
  }
}

/** A KeyObject of an SPKI, kept for the next time. */
export function parsePublicKey(spki: Uint8Array): KeyObject {
  const name = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength).toString('latin1');
  const known = PARSED_KEYS.get(name);
  if (known) return known;
  const key = readPublicKey(spki);
  if (PARSED_KEYS.size >= MAX_PARSED_KEYS) PARSED_KEYS.delete(PARSED_KEYS.keys().next().value!);
  PARSED_KEYS.set(name, key);
  return key;
}

function readPublicKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    throw new KeyStoreError('BLOB_MALFORMED', 'the public key is not one that can be used');
  }
}

/** What sign and verify take. A key that needs no padding goes as it is: Node 24 takes 10 us to look into an object around it. */
function withPadding(key: KeyObject, scheme: SignatureScheme): KeyObject | SigningKeyInput {
  switch (scheme) {
    case 'rsa-pkcs1-sha256':
      return { key, padding: constants.RSA_PKCS1_PADDING };
    case 'rsa-pss-sha256':
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    case 'ecdsa-sha256':
    case 'ecdsa-sha384':
      return key;
  }
}

interface SigningKeyInput {
  readonly key: KeyObject;
  readonly padding: number;
  readonly saltLength?: number;
}
