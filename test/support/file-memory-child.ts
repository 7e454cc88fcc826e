/** A child that encrypts or decrypts one file, and says the largest resident set that it had, in MiB. */
import process from 'node:process';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { decryptFile, decryptStream, encryptFile, encryptStream } from '../../lib/encrypt-file.ts';
import { FixedFileKeys } from './fixed-file-keys.ts';
import { done, started } from './fork.ts';

const [work, source, target] = process.argv.slice(2) as [string, string, string];
const keys = new FixedFileKeys();

const WORKS: Record<string, () => Promise<unknown>> = {
  encryptFile: () => encryptFile(keys, source, target),
  decryptFile: () => decryptFile(keys, source, target),
  encryptStream: () => through((chunks) => encryptStream(keys, chunks)),
  decryptStream: () => through((chunks) => decryptStream(keys, chunks)),
};

await started();
await WORKS[work]!();
done(process.resourceUsage().maxRSS / 1024);

function through(transform: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) {
  return pipeline(createReadStream(source), transform, createWriteStream(target));
}
