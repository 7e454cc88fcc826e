/**
 * PKCS#1 v1.5 through an agent.
 *
 * A key that signs unwraps nothing by PKCS#1 v1.5, and the other way round: whoever may have chosen blocks unwrapped could forge its signatures
 * (Bleichenbacher), however few of the blocks he learns about.
 *
 * A named key is one or the other by its property keyUsage: what it did before this agent, nobody knows. An ephemeral key lives in this agent
 * only, so its first use decides.
 *
 * Whoever may sign and unwrap makes records of his own around any block, and learns whether it opens. By other schemes that tells him nothing.
 * By this one, a million answers open a block that he was not given, so those that fail are counted.
 */
import type { PersistedKey } from '../contracts/provider.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import { RateLimit } from './rate-limit.ts';
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
  if (record && !isPkcs1(record, recipient)) return;
  if (held.boundTo === 'sign') throw signsToo();
  const usage = await key.getProperty('keyUsage');
  if (!usage.includes('sign') || !usage.includes('decrypt')) return;
  // It may have signed while its usages were read.
  if (held.name !== null || (held.boundTo as HeldKey['boundTo']) === 'sign') throw signsToo();
  held.boundTo = 'rsa-pkcs1';
}

function signsToo(): KeyStoreError {
  return new KeyStoreError(
    'EXPORT_FORBIDDEN',
    'the agent unwraps nothing by PKCS#1 v1.5 with a key that also signs',
    { hint: "Narrow the key's property keyUsage to decrypt, where it has not signed." },
  );
}

function isPkcs1(record: VerifiedKeyRecord, recipient: number): boolean {
  return record.recipients[recipient]?.type === 'rsa-pkcs1';
}

/** Counts, for each user, what of PKCS#1 v1.5 did not open. */
export class Pkcs1Failures {
  readonly #rate = new RateLimit(FAILURES_PER_SECOND, FAILURES_AT_ONCE);

  /** Runs an unwrap of that recipient. @throws KeyStoreError AGENT_BUSY where too many before it failed; what `unwrap` throws. */
  // oxlint-disable-next-line max-params -- what is unwrapped, for whom, and how
  async count<Result>(
    record: VerifiedKeyRecord,
    recipient: number,
    user: number | undefined,
    unwrap: () => Promise<Result>,
  ): Promise<Result> {
    if (!isPkcs1(record, recipient)) return unwrap();
    this.#rate.require(user);
    try {
      return await unwrap();
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED') this.#rate.charge(user);
      throw error;
    }
  }
}

/** An attack wants millions; who has not lost his key sees none. */
const FAILURES_PER_SECOND = 1;
const FAILURES_AT_ONCE = 600;

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
