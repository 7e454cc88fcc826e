/** Bundles a TypeScript file for a process that has to start quickly. */
import { createRequire } from 'node:module';

/** Of esbuild's API what is used here. */
interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/**
 * Writes one ES module with everything that a file imports but packages, so it has to lie where those are found. With `external` only
 * those packages stay outside.
 *
 * Not with tsup, which wants rollup: npm leaves rollup's binary out when it installs for Windows on another system.
 */
export async function bundle(
  entry: string,
  outfile: string,
  { external }: { readonly external?: readonly string[] } = {},
): Promise<void> {
  // The esbuild that tsx runs TypeScript with. Only when called: a child that was bundled imports this file too.
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const esbuild = createRequire(tsx)('esbuild') as Esbuild;
  await esbuild.build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    ...(external ? { external, banner: REQUIRE, mainFields: ['module', 'main'] } : EXTERNAL),
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
}

const EXTERNAL = { packages: 'external' };
/** Bundled CommonJS packages call require() for Node's own modules; an ES module has none. */
const REQUIRE = {
  js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
};
