/** The definition of a provider: tests that every provider passes, for ours and for those of third parties. */
import type { Provider, ProviderCapabilities } from '../contracts/provider.ts';
import { CLOSING } from './provider/closing.ts';
import { CREATING } from './provider/creating.ts';
import { EXPORTING } from './provider/exporting.ts';
import { KEEPING } from './provider/keeping.ts';
import { PROPERTIES } from './provider/properties.ts';
import { ProviderTest, type ProviderCase } from './provider/provider-case.ts';
import { SIGNING } from './provider/signing.ts';
import { UNWRAPPING } from './provider/unwrapping.ts';
import type { TestRunner } from './store-conformance.ts';

/** One provider without keys, and what the suite may do around it. */
export interface ProviderFixture {
  readonly provider: Provider;
  /** Another provider over the same keys, as another process would open it. Needed where keys are persisted. */
  openAgain?(): Promise<Provider>;
  /** Called after each test; the suite has closed its providers by then. */
  dispose?(): Promise<void>;
}

/** `describe` and `it` of the test runner, and what the provider claims. */
export interface ProviderTestOptions extends TestRunner {
  /** What {@link Provider.capabilities} has to be; cases that need more are left out, each by name. */
  readonly capabilities: ProviderCapabilities;
  /** Told of each case that is left out: `it.skip` of most runners fits. Default: a passing case whose name says so. */
  readonly skip?: (name: string) => void;
}

/**
 * Runs the conformance suite of {@link Provider}.
 *
 * @param name - What the suite is called in the report.
 * @param make - Makes a fixture without keys; called once for each test.
 * @example
 * ```ts
 * import { describe, it } from 'vitest';
 * import { testProvider } from 'keycask/testing';
 * testProvider('my token', async () => ({ provider: await openMyToken() }), { describe, it, skip: it.skip, capabilities });
 * ```
 */
export function testProvider(
  name: string,
  make: () => Promise<ProviderFixture>,
  options: ProviderTestOptions,
): void {
  const { capabilities } = options;
  const skip = options.skip ?? ((title: string) => options.it(title, () => Promise.resolve()));
  options.describe(`${name} as a provider`, () => {
    for (const testCase of CASES) {
      const missing = testCase.needs?.find((need) => !need.isMet(capabilities));
      if (missing) skip(`${testCase.title} (left out: no ${missing.label})`);
      else options.it(testCase.title, () => run(testCase, make, capabilities));
    }
  });
}

async function run(
  testCase: ProviderCase,
  make: () => Promise<ProviderFixture>,
  capabilities: ProviderCapabilities,
): Promise<void> {
  const fixture = await make();
  const test = new ProviderTest(fixture, capabilities);
  try {
    await testCase.body(test);
  } finally {
    await test.close();
    await fixture.dispose?.();
  }
}

const CASES: readonly ProviderCase[] = [
  ...CREATING,
  ...PROPERTIES,
  ...SIGNING,
  ...UNWRAPPING,
  ...EXPORTING,
  ...KEEPING,
  ...CLOSING,
];
