/** Exchange keys of the software provider, with the private half at hand for other programs to open the same records. */
import type { KeyObject } from 'node:crypto';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { openSoftwareProvider } from '../../lib/providers/software/index.ts';
import type { ExchangeKey } from '../../lib/records/open.ts';
import type { PublicKeyRecipient } from '../../lib/records/recipient.ts';
import { testKeyPair, type TestKeyKind } from './signing-identity.ts';

export interface TestExchangeKey extends ExchangeKey {
  readonly privateKey: KeyObject;
  /** SPKI DER. */
  readonly spki: Uint8Array;
  /** Whoever holds this key, as a recipient. */
  recipient(rsa?: PublicKeyRecipient['rsa']): PublicKeyRecipient;
}

/** A fresh exchange key that is never written. */
export async function testExchangeKey(kind: TestKeyKind = 'p-256'): Promise<TestExchangeKey> {
  return exchangeKeyOf(testKeyPair(kind));
}

/** The exchange key of a key pair that is known already. */
export async function exchangeKeyOf({
  privateKey,
  spki,
}: {
  readonly privateKey: KeyObject;
  readonly spki: Uint8Array;
}): Promise<TestExchangeKey> {
  const provider = await openSoftwareProvider();
  using pkcs8 = SecretBytes.take(privateKey.export({ type: 'pkcs8', format: 'der' }));
  const key = await (await provider.importKey(pkcs8, null, 'AT_KEYEXCHANGE')).finalize();
  const keyId = keyIdentifier(spki);
  return {
    key,
    keyId,
    privateKey,
    spki,
    recipient: (rsa) => ({ type: 'public-key', publicKey: spki, keyId, ...(rsa && { rsa }) }),
  };
}
