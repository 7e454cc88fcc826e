/** A file that a colleague and a password can open too. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decryptFile, encryptFile, KeyStoreError, SecretBytes, SessionKeyStore } from 'keycask';

const folder = await mkdtemp(join(tmpdir(), 'keycask-'));
await writeFile(join(folder, 'plan.txt'), 'the plan');
await using alice = await SessionKeyStore.create({
  home: join(folder, 'alice'),
  stateFolder: folder,
});
await using bob = await SessionKeyStore.create({ home: join(folder, 'bob'), stateFolder: folder });
const encrypted = join(folder, 'plan.cask');

// Bob gives Alice the certificate of his exchange key; she adds a password for the safe.
const recipients = [await bob.certificate('exchange')];
using password = SecretBytes.copy(new TextEncoder().encode('correct horse battery staple'));
await encryptFile(alice, join(folder, 'plan.txt'), encrypted, { recipients, password });

// Bob has no reason yet to trust who signed it.
try {
  await decryptFile(bob, encrypted, join(folder, 'no.txt'));
} catch (error) {
  console.log(KeyStoreError.is(error) && error.code);
}

// Alice gives him the certificate of her signature key; he pins it, once.
await bob.trustSigner(await alice.certificate('signature'), 'Alice');
await decryptFile(bob, encrypted, join(folder, 'bob.txt'));
console.log(await readFile(join(folder, 'bob.txt'), 'utf8'));

// Whoever has the password needs neither container nor pin.
await using stranger = await SessionKeyStore.inMemory();
await decryptFile(stranger, encrypted, join(folder, 'stranger.txt'), { password });
console.log(await readFile(join(folder, 'stranger.txt'), 'utf8'));

// Output:
// BLOB_SIGNER_NOT_TRUSTED
// the plan
// the plan
