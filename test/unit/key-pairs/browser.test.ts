/** keycask/key-pairs works in a browser: bundled for one it imports no module of Node's, and runs where there are none. */
import { createRequire } from 'node:module';
import { runInNewContext } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { opensslKey } from '../../support/key-pairs.ts';

interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<{
    readonly outputFiles: readonly { readonly text: string }[];
    readonly metafile: { readonly inputs: Readonly<Record<string, unknown>> };
  }>;
}

/** With esbuild, which refuses `node:` modules for a browser by itself. */
async function bundled() {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const esbuild = createRequire(tsx)('esbuild') as Esbuild;
  return esbuild.build({
    entryPoints: [fileURLToPath(new URL('../../../lib/key-pairs/index.ts', import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'keyPairs',
    target: 'es2022',
    logLevel: 'silent',
  });
}

it('is bundled of its own files alone, and converts keys without process, Buffer and require', async () => {
  const { outputFiles, metafile } = await bundled();
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.length).toBeGreaterThan(20);
  expect(inputs.filter((file) => !/^lib\/(key-pairs|blobs|cms|bytes|error)/.test(file))).toEqual(
    [],
  );
  const { text } = outputFiles[0]!;
  const key = opensslKey('rsa-1024');
  // What a page has of its own; a new context has nothing of Node's.
  const page = { TextEncoder, TextDecoder, input: key };
  const script = `${text}
    const { pair } = keyPairs.decodeKeyPair(input);
    const jwk = keyPairs.encodeKeyPair(pair, 'JWK');
    const cng = keyPairs.encodeKeyPair(keyPairs.decodeKeyPair(jwk).pair, 'RSAFULLPRIVATEBLOB');
    const pem = keyPairs.encodeKeyPair(keyPairs.decodeKeyPair(cng).pair, 'PKCS8', { pem: true });
    const blob = keyPairs.encodeKeyPair(keyPairs.decodeKeyPair(pem).pair, 'PRIVATEKEYBLOB');
    const isNode = typeof process + typeof Buffer + typeof require;
    [...blob].join() + ' ' + isNode;`;
  const [blob, isNode] = (runInNewContext(script, page) as string).split(' ');
  expect(isNode).toBe('undefined'.repeat(3));
  expect(blob).toBe([...opensslKey('rsa-1024', 'PRIVATEKEYBLOB')].join());
});
