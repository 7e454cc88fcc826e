/** keycask/testing: the conformance suites that define a provider, a store, the storage of a signed log, and an archive. */
export { testArchive, type ArchiveFixture } from './archive-conformance.ts';
export { testLogStorage, type LogStorageFixture } from './log-storage-conformance.ts';
export {
  testProvider,
  type ProviderFixture,
  type ProviderTestOptions,
} from './provider-conformance.ts';
export { testStore, type StoreFixture, type TestRunner } from './store-conformance.ts';
