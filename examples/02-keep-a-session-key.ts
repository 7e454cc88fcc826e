/** Keep a session key for your own cipher: make it, open it again, rotate it. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionKeyStore } from 'keycask';

const folder = await mkdtemp(join(tmpdir(), 'keycask-'));
const home = { home: join(folder, 'home'), stateFolder: folder };
const nonce = randomBytes(12);

async function encryptNote(): Promise<{ ciphertext: Buffer; tag: Buffer; id: string }> {
  await using store = await SessionKeyStore.create(home);
  using key = await store.createKey('notes', {
    purpose: 'note encryption',
    attributes: [['owner', 'Ada']],
  });
  const cipher = createCipheriv('aes-256-gcm', key.toKeyObject(), nonce);
  return {
    ciphertext: Buffer.concat([cipher.update('buy milk'), cipher.final()]),
    tag: cipher.getAuthTag(),
    id: key.id,
  };
}

const note = await encryptNote();

// Later, in another process: the key is found by its label, verified, unwrapped.
await using store = await SessionKeyStore.open(home);
using key = await store.openKey('notes');
const decipher = createDecipheriv('aes-256-gcm', key.toKeyObject(), nonce).setAuthTag(note.tag);
console.log(Buffer.concat([decipher.update(note.ciphertext), decipher.final()]).toString());

// Rotation: new data gets a new key, the old one still decrypts under its id.
using next = await store.rotateKey('notes');
using old = await store.openKey(note.id);
console.log(next.id !== old.id, (await store.showKey('notes')).id === next.id);

// Keys print without their bytes.
console.log(JSON.stringify(old).includes('notes'), Object.keys(old.toJSON()).join(' '));

// Output:
// buy milk
// true true
// true id label algorithm effectiveBits decryptOnly
