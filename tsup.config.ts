/** Builds the library (ESM and CJS, one set of chunks each) and the command line (one ESM file). */
import { defineConfig, type Options } from 'tsup';

/** Packages that are bundled, so that installing keycask brings only what the library needs. */
const BUNDLED = ['commander', 'cli-progress'];

/** Loaded only when a call of the system needs them; tsup leaves out by itself what stands under `dependencies`. */
const OPTIONAL = ['koffi'];

/** Set when only the command line is wanted, in that folder: the tests do so (scripts/cli-for-tests.mjs). */
const cliFolder = process.env['KEYCASK_CLI_OUT'];

const library: Options = {
  name: 'library',
  entry: [
    'lib/index.ts',
    'lib/agent/index.ts',
    'lib/blobs/index.ts',
    'lib/key-pairs/index.ts',
    'lib/legacy/index.ts',
    'lib/migration/index.ts',
    'lib/records/index.ts',
    'lib/signed-log/index.ts',
    'lib/providers/software/index.ts',
    'lib/providers/isolated/index.ts',
    'lib/providers/cryptoapi/index.ts',
    'lib/providers/cng/index.ts',
    'lib/providers/pkcs11/index.ts',
    'lib/stores/directory.ts',
    'lib/stores/lmdb.ts',
    'lib/stores/memory.ts',
    'lib/stores/postgres.ts',
    'lib/testing/index.ts',
    'lib/insecure/index.ts',
  ],
  // Output paths mirror lib/ even when one folder would be enough for all entries.
  outDir: 'dist',
  format: ['esm', 'cjs'],
  // Splitting, for CJS too: every subpath must see the same KeyStoreError and VerifiedKeyRecord.
  splitting: true,
  shims: true,
  target: 'node20',
  platform: 'node',
  // tsup's declaration step sets baseUrl, which TypeScript 6 refuses without this (TS5101).
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  sourcemap: true,
  noExternal: BUNDLED,
  external: OPTIONAL,
  // The other build runs at the same time and owns cli.js.
  clean: ['!cli.js'],
};

const commandLine: Options = {
  name: 'cli',
  entry: { cli: 'lib/cli/main.ts' },
  outDir: cliFolder ?? 'dist',
  format: ['esm'],
  splitting: false,
  target: 'node20',
  platform: 'node',
  dts: false,
  sourcemap: false,
  // In one file a package that is imported anywhere is loaded at each start; bundled it waits until an agent is spoken to.
  noExternal: [...BUNDLED, '@msgpack/msgpack'],
  external: OPTIONAL,
  clean: false,
  // Bundled CommonJS packages call require() for Node's own modules; an ES module has none.
  banner: {
    js: [
      '#!/usr/bin/env node',
      "import { createRequire as createRequireForBundle } from 'node:module';",
      'const require = createRequireForBundle(import.meta.url);',
    ].join('\n'),
  },
};

export default defineConfig(cliFolder === undefined ? [library, commandLine] : [commandLine]);
