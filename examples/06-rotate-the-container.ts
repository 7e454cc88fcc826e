/** Replace the key container: records are re-wrapped and re-signed, old files still open, until the old signer is revoked. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decryptFile, encryptFile, KeyStoreError, SessionKeyStore } from 'keycask';

const folder = await mkdtemp(join(tmpdir(), 'keycask-'));
await using store = await SessionKeyStore.create({
  home: join(folder, 'home'),
  stateFolder: folder,
});
await writeFile(join(folder, 'a.txt'), 'still here');
const encrypted = join(folder, 'a.cask');
await encryptFile(store, join(folder, 'a.txt'), encrypted);

const rewrapped = await store.rotateContainer();
console.log('records re-wrapped:', rewrapped);

// The file's header still carries the old record; its signer is retired, so it decrypts.
await decryptFile(store, encrypted, join(folder, 'restored.txt'));
console.log(await readFile(join(folder, 'restored.txt'), 'utf8'));

// Revoking the retired signer ends that.
const retired = store.listSigners().find(({ state }) => state === 'retired');
await store.revokeSigner(retired!.keyId);
try {
  await decryptFile(store, encrypted, join(folder, 'again.txt'));
} catch (error) {
  console.log(KeyStoreError.is(error) && error.code);
}

// Output:
// records re-wrapped: 1
// still here
// BLOB_SIGNER_NOT_TRUSTED
