/** keycask/testing: the conformance suites that define a provider and a store. */
export {
  testProvider,
  type ProviderFixture,
  type ProviderTestOptions,
} from './provider-conformance.ts';
export { testStore, type StoreFixture, type TestRunner } from './store-conformance.ts';
