/** ProviderCase: one test of the provider suite, what it needs of a provider, and what it works with. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { isHardware } from '../../contracts/protection-level.ts';
import type {
  CreateKeyOptions,
  KeyProperties,
  LegacyKeySpec,
  PendingKey,
  PersistedKey,
  PersistedKeyInfo,
  Provider,
  ProviderCapabilities,
} from '../../contracts/provider.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';

/** Something that not every provider has. */
export interface Need {
  /** `persisted keys`: what a report says is missing. */
  readonly label: string;
  readonly isMet: (capabilities: ProviderCapabilities) => boolean;
}

export interface ProviderCase {
  readonly title: string;
  readonly needs?: readonly Need[];
  readonly body: (test: ProviderTest) => Promise<void>;
}

/** What to make; a name is chosen where none is given. */
export interface KeyWanted extends CreateKeyOptions {
  /** null: ephemeral. Default: ephemeral, which every provider has. */
  readonly name?: string | null;
  readonly properties?: Partial<KeyProperties>;
  readonly writeToLegacyStore?: boolean;
}

/** The part of a fixture that cases work with. */
interface TestedProvider {
  readonly provider: Provider;
  openAgain?(): Promise<Provider>;
}

export class ProviderTest {
  readonly provider: Provider;
  readonly capabilities: ProviderCapabilities;
  readonly #fixture: TestedProvider;
  readonly #opened: Provider[];

  constructor(fixture: TestedProvider, capabilities: ProviderCapabilities) {
    this.provider = fixture.provider;
    this.capabilities = capabilities;
    this.#fixture = fixture;
    this.#opened = [fixture.provider];
  }

  /** The same keys through another provider. */
  async again(): Promise<Provider> {
    const provider = await this.#fixture.openAgain?.();
    assert.ok(provider, 'a provider with persisted keys can be opened again');
    this.#opened.push(provider);
    return provider;
  }

  /** A name that nobody else has, also where keys of many runs lie together. */
  name(): string {
    return `keycask test ${randomBytes(8).toString('hex')}`;
  }

  /** A pending key; RSA of the shortest length that the provider makes. */
  async pending(
    algorithm: KeyAlgorithm,
    spec: LegacyKeySpec,
    { name = null, properties = {}, ...options }: KeyWanted = {},
  ): Promise<PendingKey> {
    const pending = await this.provider.createPersistedKey(algorithm, name, spec, options);
    if (algorithm === 'RSA')
      await pending.setProperty('length', Math.min(...this.capabilities.rsaLengths));
    for (const [property, value] of Object.entries(properties))
      await pending.setProperty(property as keyof KeyProperties, value);
    return pending;
  }

  async key(
    algorithm: KeyAlgorithm,
    spec: LegacyKeySpec,
    wanted: KeyWanted = {},
  ): Promise<PersistedKey> {
    const pending = await this.pending(algorithm, spec, wanted);
    return pending.finalize({ writeToLegacyStore: wanted.writeToLegacyStore ?? false });
  }

  /** A key that signs, of an algorithm that the provider has. */
  signatureKey(wanted: KeyWanted = {}): Promise<PersistedKey> {
    return this.key(this.signingAlgorithm(), 'AT_SIGNATURE', wanted);
  }

  /** A key that unwraps, of an algorithm that the provider has. */
  exchangeKey(wanted: KeyWanted = {}): Promise<PersistedKey> {
    return this.key(this.exchangeAlgorithm(), 'AT_KEYEXCHANGE', wanted);
  }

  signingAlgorithm(): KeyAlgorithm {
    return this.#first('ECDSA_P256', 'ECDSA_P384', 'RSA');
  }

  exchangeAlgorithm(): KeyAlgorithm {
    return this.#first('ECDH_P256', 'ECDH_P384', 'RSA');
  }

  async close(): Promise<void> {
    for (const provider of this.#opened) await provider.close();
  }

  #first(...algorithms: readonly KeyAlgorithm[]): KeyAlgorithm {
    const first = algorithms.find((algorithm) => this.capabilities.algorithms.includes(algorithm));
    assert.ok(first, `a provider has one of ${algorithms.join(', ')}`);
    return first;
  }
}

export const PERSISTED: Need = { label: 'persisted keys', isMet: ({ persisted }) => persisted };
export const IMPORT: Need = { label: 'import', isMet: (capabilities) => capabilities.import };
export const LEGACY_STORE: Need = { label: 'legacy store', isMet: (c) => c.legacyStore };
/** Nor anything that `require-vbs` takes instead. */
export const NO_VBS: Need = {
  label: 'lack of VBS',
  isMet: ({ protectionLevel }) => !isHardware(protectionLevel),
};
export const BOTH_SCOPES: Need = {
  label: 'second scope',
  isMet: ({ scopes }) => scopes.length > 1,
};

export function algorithm(name: KeyAlgorithm): Need {
  return { label: name, isMet: ({ algorithms }) => algorithms.includes(name) };
}

export async function fails(code: KeyStoreErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => hasCode(code, error));
}

function hasCode(code: KeyStoreErrorCode, error: unknown): true {
  if (!KeyStoreError.is(error)) throw error;
  assert.equal(error.code, code, error.message);
  return true;
}

export function sameBytes(actual: Uint8Array, wanted: Uint8Array): void {
  assert.ok(Buffer.from(actual).equals(wanted), 'the bytes are the same');
}

export async function listed(
  provider: Provider,
  options?: Parameters<Provider['listKeys']>[0],
): Promise<PersistedKeyInfo[]> {
  const keys: PersistedKeyInfo[] = [];
  for await (const key of provider.listKeys(options)) keys.push(key);
  return keys;
}

/** How many of `finalized` won; all others lost with CONTAINER_EXISTS. */
export async function winners(
  finalized: readonly Promise<PersistedKey>[],
): Promise<PersistedKey[]> {
  const results = await Promise.allSettled(finalized);
  for (const result of results)
    if (result.status === 'rejected') hasCode('CONTAINER_EXISTS', result.reason);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
