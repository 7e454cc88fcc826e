/** keycask/testing: the conformance suites that define a provider and a store. */
export { testStore, type StoreFixture, type TestRunner } from './store-conformance.ts';
