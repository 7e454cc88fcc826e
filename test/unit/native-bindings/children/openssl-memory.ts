/** Opens and closes ciphers of OpenSSL's legacy provider, and prints by how much this process grew; then leaves as many open. */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  loadOpenSslLegacy,
  type LegacyCipher,
} from '../../../../native-bindings/openssl-legacy.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const openssl = await loadOpenSslLegacy();
const ROUNDS = 5;
const key = new Uint8Array(16);
const output = new Uint8Array(24);

function residentBytes(): number {
  collect();
  return process.memoryUsage.rss();
}

/** As many ciphers that work as such that fail, and a hash for each. */
function openAndClose(count: number): void {
  for (let i = 0; i < count; i += 2) {
    using cipher = openssl.openCipher('RC4', { key, encrypt: true });
    cipher.update(key, output);
    openssl.digest('MD4', [key]);
    try {
      openssl.openCipher('DES-ECB', { key, encrypt: true })[Symbol.dispose]();
    } catch {
      // The key is too long for DES.
    }
  }
}

openAndClose(10_000);
/** A leak grows in every round; the engine's own memory in some. */
let grownBytes = Number.POSITIVE_INFINITY;
for (let round = 0; round < ROUNDS; round++) {
  const start = residentBytes();
  openAndClose(10_000);
  grownBytes = Math.min(grownBytes, residentBytes() - start);
}

const open: LegacyCipher[] = [];
const beforeLeak = residentBytes();
for (let i = 0; i < 10_000; i++) open.push(openssl.openCipher('RC4', { key, encrypt: true }));
const leakedBytes = residentBytes() - beforeLeak;
for (const cipher of open) cipher[Symbol.dispose]();

console.log(JSON.stringify({ grownBytes, leakedBytes }));
