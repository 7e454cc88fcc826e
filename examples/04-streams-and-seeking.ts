/** Encrypt a stream, decrypt it as a stream, and read from the middle of a large file. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decryptStream, encryptStream, openEncryptedFile, SessionKeyStore } from 'keycask';

const folder = await mkdtemp(join(tmpdir(), 'keycask-'));
await using store = await SessionKeyStore.inMemory();
await writeFile(join(folder, 'big.bin'), Buffer.alloc(3_000_000, 'keycask '));

// Chunks of any size in, chunks of ciphertext out: constant memory.
const encrypted = encryptStream(store, createReadStream(join(folder, 'big.bin')), {
  context: { kind: 'example' },
});
await pipeline(Readable.from(encrypted), createWriteStream(join(folder, 'big.cask')));
console.log((await stat(join(folder, 'big.cask'))).size > 3_000_000);

// Each segment is released once it has verified; a cut stream ends with FILE_DAMAGED.
let bytes = 0;
for await (const chunk of decryptStream(store, createReadStream(join(folder, 'big.cask'))))
  bytes += chunk.length;
console.log(bytes);

// Random access: the last segment is verified before a size is told.
const file = await openEncryptedFile(store, join(folder, 'big.cask'));
console.log(file.size, file.context.kind, Buffer.from(await file.read(2_000_000, 7)).toString());
await file.close();

// Output:
// true
// 3000000
// 3000000 example keycask
