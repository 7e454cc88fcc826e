/**
 * A key that signs unwraps nothing by PKCS#1 v1.5, and the other way round: whoever may have chosen blocks unwrapped could forge its signatures
 * (Bleichenbacher), however few of the blocks he learns about.
 *
 * A named key is one or the other by its property keyUsage: what it did before this agent, nobody knows. An ephemeral key lives in this agent
 * only, so its first use decides.
 */
import type { PersistedKey } from '../contracts/provider.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import type { HeldKey } from './sessions.ts';

/**
 * @param record - undefined: a bare SIMPLEBLOB.
 * @throws KeyStoreError EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE)
 */
// oxlint-disable-next-line max-params -- the key twice, as the agent and as the provider knows it
export async function requireNoForgery(
  held: HeldKey,
  key: PersistedKey,
  record?: VerifiedKeyRecord,
  recipient = 0,
): Promise<void> {
  if (held.algorithm !== 'RSA') return;
  if (record && record.recipients[recipient]?.type !== 'rsa-pkcs1') return;
  const usage = await key.getProperty('keyUsage');
  if (!usage.includes('sign') || !usage.includes('decrypt')) return;
  if (held.name === null && held.boundTo !== 'sign') {
    held.boundTo = 'rsa-pkcs1';
    return;
  }
  throw new KeyStoreError(
    'EXPORT_FORBIDDEN',
    'the agent unwraps nothing by PKCS#1 v1.5 with a key that also signs',
    { hint: "Narrow the key's property keyUsage to decrypt, where it has not signed." },
  );
}

/** @throws KeyStoreError EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE) for an ephemeral key that has unwrapped by PKCS#1 v1.5. */
export function rememberSigning(held: HeldKey): void {
  if (held.algorithm !== 'RSA' || held.name !== null) return;
  if (held.boundTo === 'rsa-pkcs1')
    throw new KeyStoreError(
      'EXPORT_FORBIDDEN',
      'the agent signs nothing with a key that has unwrapped by PKCS#1 v1.5',
    );
  held.boundTo = 'sign';
}
