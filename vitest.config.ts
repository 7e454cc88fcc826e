/** Test projects: `npm test` runs the inner loop, `npm run test:all` everything except `slow`. */
import { defineConfig } from 'vitest/config';
import { peerFacts } from './scripts/peers.mjs';

const SECOND = 1000;

/** What a project may set beside its name and its files. */
interface ProjectExtras {
  readonly testTimeout?: number;
  readonly env?: Record<string, string>;
  readonly globalSetup?: string[];
  readonly exclude?: string[];
  readonly fileParallelism?: boolean;
}

/**
 * One project: a folder of test/ and how long one of its tests may take, many times what it takes on a machine with nothing else to do. A time
 * limit ends what hangs; how fast something is, a test says in processor time (test/support/cpu-clock.ts).
 */
function project(name: string, include: string[], extras: ProjectExtras = {}) {
  const testTimeout = extras.testTimeout ?? 60 * SECOND;
  return {
    extends: true as const,
    test: { name, include, hookTimeout: testTimeout, ...extras, testTimeout },
  };
}

/** Of the other suites, what Windows treats in its own way: files that are replaced, removed, linked, or open elsewhere meanwhile. */
const FILES_ON_WINDOWS = [
  'test/unit/platform/*.test.ts',
  'test/unit/stores/directory.test.ts',
  'test/unit/providers/protectors.test.ts',
  'test/unit/encrypt-file/{files,tree}.test.ts',
  'test/unit/session-key-store/two-at-once.test.ts',
  'test/conformance/{directory-store,log-storage}.test.ts',
];

const OF_THE_DOUBLE = 'test/windows/ncrypt-double/**';
/** Which Windows tests a pass has no use for; on Windows itself KEYCASK_NCRYPT is not set. */
const NOT_IN_PASS: Record<string, string[]> = {
  // Wine's own ncrypt.dll keeps no keys.
  wine: [
    OF_THE_DOUBLE,
    'test/windows/{across-providers,cng-failures,cng-legacy,cng-unwrap}.test.ts',
  ],
  // What calls no ncrypt.dll need not run again on the double of it.
  double: [
    'test/windows/{command-line,dpapi,cryptoapi,cryptoapi-*,interop-cryptoapi,legacy-*}.test.ts',
    ...FILES_ON_WINDOWS,
  ],
};
const notInThisPass = NOT_IN_PASS[process.env['KEYCASK_NCRYPT'] ?? ''] ?? [OF_THE_DOUBLE];

export default defineConfig({
  test: {
    // Which peers (OpenSSL, Python) this machine has; test/interop decides by these.
    env: peerFacts(),
    // Vitest leaves one core to itself, which is half of a small machine.
    maxWorkers: '100%',
    coverage: { provider: 'v8', include: ['lib/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      project('unit', ['test/unit/**/*.test.ts']),
      project('property', ['test/property/**/*.test.ts'], { testTimeout: 180 * SECOND }),
      project('conformance', ['test/conformance/**/*.test.ts'], { testTimeout: 180 * SECOND }),
      project('interop', ['test/interop/**/*.test.ts'], { testTimeout: 180 * SECOND }),
      project('cli', ['test/cli/**/*.test.ts'], {
        testTimeout: 180 * SECOND,
        globalSetup: ['scripts/cli-for-tests.mjs'],
      }),
      project('proofs', ['test/proofs/**/*.test.ts'], {
        testTimeout: 900 * SECOND,
        globalSetup: ['scripts/cli-for-tests.mjs'],
      }),
      project('examples', ['test/examples/**/*.test.ts'], {
        testTimeout: 180 * SECOND,
        globalSetup: ['scripts/package-for-tests.mjs'],
      }),
      project('package', ['test/package/**/*.test.ts'], { testTimeout: 300 * SECOND }),
      // On Windows only, or in Wine: `npm run test:wine`.
      project('windows', ['test/windows/**/*.test.ts', ...FILES_ON_WINDOWS], {
        testTimeout: 180 * SECOND,
        exclude: notInThisPass,
        // All files see the same key stores of the user and the machine; the passes run at once instead.
        fileParallelism: false,
      }),
      project('slow', ['test/{slow,property,proofs}/**/*.test.ts'], {
        testTimeout: 1800 * SECOND,
        env: { SLOW: '1' },
        globalSetup: ['scripts/cli-for-tests.mjs'],
      }),
      // No test files: `vitest bench --project bench` finds its own kind.
      {
        extends: true,
        test: { name: 'bench', include: [], benchmark: { include: ['bench/**/*.bench.ts'] } },
      },
    ],
  },
});
