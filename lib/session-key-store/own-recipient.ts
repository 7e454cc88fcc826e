/** How a home's own exchange key is wrapped for: as an envelope's recipient, or by a SIMPLEBLOB. */
import { ALG_ID } from '../blobs/alg-id.ts';
import { encodeSimpleBlob } from '../blobs/simple-blob.ts';
import type { Provider, SessionKeyBlob } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import { wrapRsaPkcs1 } from '../keys/rsa-pkcs1.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { parsePublicKey } from '../keys/signature.ts';
import type { PublicKeyRecipient } from '../records/recipient.ts';
import type { OpenContainer } from './container.ts';

/** OAEP with the best hash that the provider unwraps: CryptoAPI knows SHA-1 only. */
export function ownRecipient(
  { capabilities }: Provider,
  { exchangeKey, exchangeKeyId }: OpenContainer,
): PublicKeyRecipient {
  const { publicKey, algorithm } = exchangeKey;
  const { oaepHashes, unwraps } = capabilities;
  const own = { type: 'public-key', publicKey, keyId: exchangeKeyId } as const;
  if (algorithm !== 'RSA' || oaepHashes.includes('sha256')) return own;
  if (unwraps.includes('rsa-oaep') && oaepHashes.includes('sha1'))
    return { ...own, rsa: 'oaep-sha1' };
  return { ...own, rsa: 'pkcs1' };
}

/**
 * A new session key and its SIMPLEBLOB: made inside the provider where it makes session keys (CryptGenKey, CryptExportKey), else here.
 *
 * @throws KeyStoreError NOT_SUPPORTED where the exchange key is not RSA: CryptoAPI has no blob for another.
 */
export async function makeSessionKeyBlob(
  { capabilities }: Provider,
  { exchangeKey }: OpenContainer,
  lengthInBits: 128 | 192 | 256,
): Promise<SessionKeyBlob> {
  if (exchangeKey.algorithm !== 'RSA')
    throw new KeyStoreError(
      'NOT_SUPPORTED',
      'a classic record needs an RSA exchange key: make the home with --algorithm rsa-3072',
    );
  if (capabilities.sessionKeyBlobs) return exchangeKey.createSessionKeyBlob(lengthInBits);
  const sessionKey = SecretBytes.random(lengthInBits / 8);
  const encryptedKey = wrapRsaPkcs1(parsePublicKey(exchangeKey.publicKey), sessionKey);
  return {
    simpleBlob: encodeSimpleBlob({ algId: AES[lengthInBits], encryptedKey }),
    sessionKey,
  };
}

const AES = {
  128: ALG_ID.CALG_AES_128,
  192: ALG_ID.CALG_AES_192,
  256: ALG_ID.CALG_AES_256,
} as const;
