import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decryptFile, encryptFile, SessionKeyStore } from 'keycask';

const folder = await mkdtemp(join(tmpdir(), 'keycask-'));
await writeFile(join(folder, 'report.txt'), 'quarterly figures');

// A home: a key container, a list of who is trusted, an empty store.
await using store = await SessionKeyStore.create({
  home: join(folder, 'home'),
  stateFolder: folder,
});

// A new session key encrypts the file; its wrapped and signed record goes into the store and into the file's header.
const { keyId } = await encryptFile(store, join(folder, 'report.txt'), join(folder, 'report.cask'));

// The record is read, verified, and only then unwrapped.
await decryptFile(store, join(folder, 'report.cask'), join(folder, 'restored.txt'));
console.log((await readFile(join(folder, 'restored.txt'), 'utf8')) === 'quarterly figures');
console.log((await store.showKey(keyId)).label);

// Output:
// true
// files
