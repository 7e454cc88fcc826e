/** The attack that the documentation names: somebody who knows only your public key swaps the wrapped key. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encryptFile, decryptFile, KeyStoreError, SessionKeyStore } from 'keycask';

const folder = await mkdtemp(join(tmpdir(), 'keycask-'));
await using owner = await SessionKeyStore.create({
  home: join(folder, 'owner'),
  stateFolder: folder,
});
await using attacker = await SessionKeyStore.create({
  home: join(folder, 'attacker'),
  stateFolder: folder,
});
await writeFile(join(folder, 'a.txt'), 'genuine');

// He wraps a key of his own for the owner's public exchange key. The owner could unwrap it, and encrypt under a key that he knows.
const recipients = [await owner.certificate('exchange')];
await encryptFile(attacker, join(folder, 'a.txt'), join(folder, 'forged.cask'), { recipients });

// Signed records are verified before they are unwrapped.
try {
  await decryptFile(owner, join(folder, 'forged.cask'), join(folder, 'out.txt'));
} catch (error) {
  if (!KeyStoreError.is(error)) throw error;
  console.log(error.code, error.nteText);
}
console.log(
  await readFile(join(folder, 'out.txt')).catch((error: NodeJS.ErrnoException) => error.code),
);

// Output:
// BLOB_SIGNER_NOT_TRUSTED 0x800B0004 (TRUST_E_SUBJECT_NOT_TRUSTED)
// ENOENT
