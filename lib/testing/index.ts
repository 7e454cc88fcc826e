/** keycask/testing: the conformance suites that define a provider, a store and the storage of a signed log. */
export { testLogStorage, type LogStorageFixture } from './log-storage-conformance.ts';
export {
  testProvider,
  type ProviderFixture,
  type ProviderTestOptions,
} from './provider-conformance.ts';
export { testStore, type StoreFixture, type TestRunner } from './store-conformance.ts';
