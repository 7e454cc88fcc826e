/** Leave CryptoAPI: what an old SIMPLEBLOB is, the data under it, and the same data under a key that is signed and stored. */
import { createCipheriv, generateKeyPairSync } from 'node:crypto';
import { SecretBytes, SessionKeyStore } from 'keycask';
import { ALG_ID } from 'keycask/blobs';
import { capiDecrypt, unwrapSimpleBlob, wrapSimpleBlob } from 'keycask/legacy';
import { inspect } from 'keycask/migration';

// What an old program left: a private key, a session key that CryptExportKey wrapped for it, and what CryptEncrypt made of a letter.
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
using sessionKey = SecretBytes.random(32);
const blob = wrapSimpleBlob(publicKey, { algId: ALG_ID.CALG_AES_256, key: sessionKey });
const cipher = createCipheriv('aes-256-cbc', sessionKey.bytes, new Uint8Array(16));
const letter = Buffer.concat([cipher.update('Dear Ada, the engine works.'), cipher.final()]);

// Field by field, without any key. The same as `keycask inspect letter.blob`.
const { summary, fields } = inspect(blob);
console.log(summary);
console.log(fields.map(({ field, offset }) => `${field} at ${offset}`).join(', '));

// Nothing says who made this blob, or whether the letter was changed: read it, and look at it.
using key = await unwrapSimpleBlob(blob, privateKey);
const plaintext = await capiDecrypt(key, letter);
console.log(new TextDecoder().decode(plaintext));

// From here on the data is authenticated, and its key is in a signed record.
await using store = await SessionKeyStore.inMemory();
const sealed = await store.encrypt(plaintext, { context: { from: 'letter.enc' } });
plaintext.fill(0);
console.log(new TextDecoder().decode(await store.decrypt(sealed)));

// Output:
// A session key, CALG_AES_256, wrapped for an RSA key of 2048 bits.
// bType at 0, bVersion at 1, reserved at 2, aiKeyAlg at 4, algid at 8, encryptedkey at 12
// Dear Ada, the engine works.
// Dear Ada, the engine works.
