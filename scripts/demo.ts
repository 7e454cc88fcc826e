/** `npm run demo`: a real file is encrypted and restored, step by step, and an attacker's substituted key is refused. */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { decryptFile, encryptFile, KeyStoreError, SessionKeyStore } from '../lib/index.ts';

const REAL_FILE = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const folder = await mkdtemp(path.join(tmpdir(), 'keycask-demo-'));
const at = (name: string) => path.join(folder, name);
const owner = { home: at('home'), stateFolder: at('state') };
const sha256 = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

try {
  await copyFile(REAL_FILE, at('report.json'));
  await storeAndEncrypt();
  await readBackAndDecrypt();
  await attack();
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Steps 1 to 4 of the way that a key travels. */
async function storeAndEncrypt(): Promise<void> {
  console.log('Storing a session key');
  await using store = await step(
    'make a key container: an exchange key and a signature key (P-256)',
    () => SessionKeyStore.create(owner),
    describeContainer,
  );
  using key = await step(
    'make a session key, wrap it under the exchange key, sign the record, store it',
    () => store.createKey('demo'),
    (made) => `record ${made.id.slice(0, 8)}…`,
  );
  await step(
    'what lies in the store: one signed CMS file',
    () => readdir(at('home/records'), { recursive: true }),
    (names) => names.find((name) => name.endsWith('.cms')) ?? 'nothing',
  );
  await step(
    'encrypt a real file with it; the record travels in the header',
    () => encryptFile(store, at('report.json'), at('report.json.cask'), { key: key.id }),
    ({ bytes }) => `${bytes} bytes`,
  );
}

/** Steps 5 to 9, by a store that was opened anew. */
async function readBackAndDecrypt(): Promise<void> {
  console.log('Reading it back');
  await using store = await step(
    'open the home: trust list signed by the container, manifest unbroken',
    () => SessionKeyStore.open(owner),
    ({ storeId }) => `store ${storeId.slice(0, 8)}…`,
  );
  const bytes = await step(
    'read the record',
    () => store.exportRecord('demo'),
    ({ length }) => `${length} bytes`,
  );
  await step(
    'signer pinned? form canonical? signature right?',
    () => Promise.resolve(store.verifyRecord(bytes)),
    ({ signer }) => `signed by ${signer?.slice(0, 8)}…`,
  );
  using key = await step(
    'id, store and version as the manifest lists them; unwrap; check commitment and bind',
    () => store.openKey('demo'),
    ({ lengthInBits }) => `a ${lengthInBits}-bit key`,
  );
  await step(
    'decrypt the file',
    () => decryptFile(store, at('report.json.cask'), at('restored.json')),
    ({ keyId }) => `with ${keyId === key.id ? 'that key' : 'another key'}`,
  );
  await step('compare with the original', compareFiles, (same) => same);
}

/** The attack of the documentation: a key that the attacker knows, wrapped for the owner, in place of the owner's. */
async function attack(): Promise<void> {
  console.log('An attacker who knows the public exchange key substitutes his own key');
  await using store = await SessionKeyStore.open(owner);
  await using attacker = await SessionKeyStore.create({
    home: at('attacker'),
    stateFolder: at('attacker-state'),
  });
  const recipients = [await store.certificate('exchange')];
  await writeFile(at('trap.json'), '{}');
  await encryptFile(attacker, at('trap.json'), at('trap.json.cask'), { recipients });
  await refused('in the header of a file', () =>
    decryptFile(store, at('trap.json.cask'), at('trap-restored.json')),
  );

  using forged = await attacker.createKey('demo', { recipients });
  const id = await store.resolve('demo');
  const [stored] = (await readdir(at('home/records'), { recursive: true })).filter((name) =>
    name.endsWith('.cms'),
  );
  await writeFile(at(path.join('home/records', stored!)), await attacker.exportRecord(forged.id));
  await refused('in the store', () => store.openKey(id));
  console.log('Nothing was decrypted, nothing was changed.');
}

async function step<T>(
  what: string,
  work: () => Promise<T>,
  tell: (result: T) => string | Promise<string>,
): Promise<T> {
  const start = performance.now();
  const result = await work();
  const took = `${(performance.now() - start).toFixed(1)} ms`;
  console.log(`  ${took.padStart(9)}  ${what}: ${await tell(result)}`);
  return result;
}

async function refused(where: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  try {
    await work();
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    console.log(
      `  ${`${(performance.now() - start).toFixed(1)} ms`.padStart(9)}  ${where}: refused, ${error.code} ${error.nteText}`,
    );
    return;
  }
  console.log(`  ${where}: ACCEPTED`);
  process.exitCode = 1;
}

async function describeContainer(store: SessionKeyStore): Promise<string> {
  const { name, exchange } = await store.showContainer();
  return `${name}, ${exchange?.posture?.onDisk ?? 'not on disk'}`;
}

async function compareFiles(): Promise<string> {
  const same = (await sha256(at('report.json'))) === (await sha256(at('restored.json')));
  if (!same) process.exitCode = 1;
  return same ? `the same ${(await stat(at('restored.json'))).size} bytes` : 'DIFFERENT';
}
