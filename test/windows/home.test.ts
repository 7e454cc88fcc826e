/** A home whose private keys Windows keeps: the same program with `--provider cryptoapi` or `--provider cng`. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { openProvider } from '../../lib/session-key-store/open-provider.ts';
import { codeOfAsync } from '../support/errors.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NCRYPT = process.env['KEYCASK_NCRYPT'];
/** Wine's own ncrypt keeps no keys. */
const PROVIDERS = NCRYPT === 'wine' ? ['cryptoapi'] : ['cryptoapi', 'cng'];
const TEXT = 'The quick brown fox jumps over the lazy dog.';

let folder: TemporaryFolder;
let home: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  home = join(folder.path, 'home');
});

afterEach(() => folder.remove());

/** `keycask` in a process of its own. */
async function keycask(...args: readonly string[]): Promise<string> {
  const program = ['--import', 'tsx', join(ROOT, 'lib', 'cli', 'main.ts')];
  const { stdout } = await run(process.execPath, [...program, '--home', home, ...args], {
    cwd: ROOT,
  });
  return stdout;
}

async function deleteContainers(provider: string, names: ReadonlySet<string>): Promise<void> {
  await using opened = await openProvider(provider);
  for await (const { name, legacyKeySpec, scope } of opened.listKeys())
    if (names.has(name)) await (await opened.openKey(name, legacyKeySpec, { scope })).delete();
}

describe.each(PROVIDERS)('a home with --provider %s', (provider) => {
  it('encrypts, and another process decrypts; the private keys are not in the home', async () => {
    const plain = join(folder.path, 'report.txt');
    await writeFile(plain, TEXT);
    await keycask('init', '--provider', provider);
    await keycask('encrypt', plain);
    const decrypted = join(folder.path, 'again.txt');
    await keycask('decrypt', `${plain}.cask`, '-o', decrypted);
    expect(await readFile(decrypted, 'utf8')).toBe(TEXT);
    await using store = await SessionKeyStore.open({ home });
    const { name, exchange, signature } = await store.showContainer();
    expect(name).toContain('keycask');
    for (const key of [exchange, signature])
      expect(key?.posture?.onDisk).not.toMatch(/^sealed file under/u);
    const { providers, windows } = await store.doctor();
    expect(providers.map((one) => [one.name, one.available])).toEqual([
      ['software', true],
      ['isolated', false],
      ['pkcs11', false],
      ['cryptoapi', true],
      ['cng', true],
    ]);
    expect(windows).toMatch(/^Wine |FIPS mode/u);
    await deleteContainers(provider, new Set([name]));
  }, 300_000);

  it('rotates its container, and opens what the old one wrapped', async () => {
    await using store = await SessionKeyStore.create({ home, provider, algorithm: 'rsa-2048' });
    const first = (await store.showContainer()).name;
    using made = await store.createKey('reports');
    using classic = await store.createKey('old reports', { profile: 'classic' });
    await store.rotateContainer();
    const second = (await store.showContainer()).name;
    expect(second).not.toBe(first);
    await using again = await SessionKeyStore.open({ home });
    for (const key of [made, classic]) {
      using opened = await again.openKey(key.id);
      expect(opened.commitment).toEqual(key.commitment);
    }
    await again.close();
    await deleteContainers(provider, new Set([first, second]));
  });

  it('protects its keys itself: a protector is refused', async () => {
    const made = SessionKeyStore.create({ home, provider, protector: 'passphrase' });
    expect(await codeOfAsync(made)).toBe('PARAMETER_INVALID');
  });
});

describe.runIf(NCRYPT === 'wine')("a home with --provider cng on Wine's own ncrypt", () => {
  it('is refused, since its keys would be forgotten', async () => {
    const made = SessionKeyStore.create({ home, provider: 'cng', algorithm: 'rsa-2048' });
    expect(await codeOfAsync(made)).toBe('PROVIDER_UNAVAILABLE');
  });
});
